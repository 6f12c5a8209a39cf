import { changeImage, mayChange } from '../broker/image/image.ts'
import { dataOf, receiveData } from '../broker/image/image-data.ts'
import { OWN_STORE } from '../broker/imports/stores.ts'
import { badRequest, Fault, forbidden, notImplemented } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { rangeOf } from './image-range.ts'
import { imageOf } from './lookup.ts'

/** https://docs.openstack.org/api-ref/image/v2/#upload-binary-image-data and #stage-binary-image-data */
const receive = async (input: Input, staged: boolean) => {
  const { context, request } = input
  const row = await imageOf(input)
  const type = (request.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
  if (type !== 'application/octet-stream')
    throw new Fault(415, `Invalid content type ${type.slice(0, 100)}; image data is application/octet-stream.`)
  const given = request.headers.get('x-openstack-image-size') ?? request.headers.get('content-length')
  const store = request.headers.get('x-image-meta-store')
  if (store !== null && store !== OWN_STORE)
    throw badRequest(`Data comes to store ${OWN_STORE}; from there it is copied to others (copy-image).`)
  if (given !== null && !/^\d+$/.test(given)) throw badRequest('Invalid or missing image size in request headers.')
  const upload = { data: request.body, length: given === null ? null : Number(given), staged }
  await receiveData(context, row, upload)
  return {}
}

/** https://docs.openstack.org/api-ref/image/v2/#download-binary-image-data */
const download = async (input: Input) => {
  const { context, request } = input
  const row = await imageOf(input)
  if (row.status === 'deactivated' && !context.caller?.isAdmin)
    throw forbidden('The requested image has been deactivated. Image data download is forbidden.')
  if (row.status !== 'active' && row.status !== 'deactivated') return { status: 204 }
  const size = row.sizeBytes ?? 0
  const range = row.blob ? rangeOf(request.headers.get('range'), size) : null
  const data = await dataOf(context, row, range ? { offset: range.from, length: range.to - range.from + 1 } : undefined)
  if (!data) throw notImplemented('The data of this image is inside its cloud, which does not hand it out.')
  const headers: Record<string, string> = {
    'Content-Type': 'application/octet-stream',
    'Content-Length': String(range ? range.to - range.from + 1 : size),
    'Accept-Ranges': 'bytes',
    ...(row.checksum ? { 'Content-MD5': row.checksum } : {}),
    ...(range ? { 'Content-Range': `bytes ${range.from}-${range.to}/${size}` } : {}),
  }
  return new Response(data, { status: range ? 206 : 200, headers })
}

const move = async (input: Input, from: 'active' | 'deactivated', to: 'active' | 'deactivated') => {
  const row = await imageOf(input)
  if (row.status !== from && row.status !== to)
    throw forbidden(`Not allowed to ${to === 'active' ? 'reactivate' : 'deactivate'} image in status '${row.status}'`)
  if (row.status === from || !mayChange(input.context, row)) await changeImage(input.context, row, { status: to })
  return {}
}

/** https://docs.openstack.org/api-ref/image/v2/#image-data and #image-actions */
export const imageDataOperations: Operation[] = [
  operation({
    name: 'image.upload',
    method: 'PUT',
    path: '/v2/images/:id/file',
    who: 'member',
    summary: 'Takes the data of an image, streamed.',
    status: 204,
    raw: true,
    handle: (input) => receive(input, false),
  }),
  operation({
    name: 'image.stage',
    method: 'PUT',
    path: '/v2/images/:id/stage',
    who: 'member',
    summary: 'Takes the data of an image, to be imported afterwards.',
    status: 204,
    raw: true,
    handle: (input) => receive(input, true),
  }),
  operation({
    name: 'image.download',
    method: 'GET',
    path: '/v2/images/:id/file',
    who: 'reader',
    summary: 'The data of an image that was uploaded, or a range of it; clouds hand out none.',
    status: 200,
    handle: download,
  }),
  operation({
    name: 'image.deactivate',
    method: 'POST',
    path: '/v2/images/:id/actions/deactivate',
    who: 'member',
    summary: 'Keeps an image from being used.',
    status: 204,
    handle: (input) => move(input, 'active', 'deactivated'),
  }),
  operation({
    name: 'image.reactivate',
    method: 'POST',
    path: '/v2/images/:id/actions/reactivate',
    who: 'member',
    summary: 'Lets an image be used again.',
    status: 204,
    handle: (input) => move(input, 'deactivated', 'active'),
  }),
]
