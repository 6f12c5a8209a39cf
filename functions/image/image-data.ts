import { z } from 'zod'
import { changeImage, type ImageOnClouds, mayChange } from '../broker/image.ts'
import { badRequest, conflict, forbidden, notImplemented } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { imageOf, orFault } from './words.ts'

const NOWHERE =
  'There is no place for image data: none of the clouds below takes uploads yet. Use an image of a cloud, or make one of a server (openstack server image create).'

/** Nothing is taken and thrown away: the body is not read. Whose image it is, and whether it waits for data, is told first. */
const refuseUpload = async (input: Input): Promise<never> => {
  const { row } = await imageOf(input)
  if (!mayChange(input.context, row)) throw forbidden('You are not authorized to complete upload_image action.')
  if (row.status !== 'queued') throw conflict(`Image status transition from ${row.status} to saving is not allowed`)
  throw notImplemented(NOWHERE)
}

const download = async (input: Input) => {
  const { row } = await imageOf(input)
  if (row.status === 'deactivated' && !input.context.caller?.isAdmin)
    throw forbidden('The requested image has been deactivated. Image data download is forbidden.')
  if (row.status !== 'active' && row.status !== 'deactivated') return { status: 204 }
  throw notImplemented('The data of this image is inside its cloud, which does not hand it out.')
}

const move = async (input: Input, from: 'active' | 'deactivated', to: 'active' | 'deactivated', action: string) => {
  const { row }: ImageOnClouds = await imageOf(input)
  if (row.status !== from && row.status !== to)
    throw forbidden(`Image status transition from ${row.status} to ${to} is not allowed`)
  if (row.status === from || !mayChange(input.context, row))
    await orFault(changeImage(input.context, row, { status: to }), action, row)
  return {}
}

const importBody = z.looseObject({ method: z.looseObject({ name: z.string() }) })

/** https://docs.openstack.org/api-ref/image/v2/#image-data and #image-actions */
export const imageDataOperations: Operation[] = [
  operation({
    name: 'image.upload',
    method: 'PUT',
    path: '/v2/images/:id/file',
    who: 'member',
    summary: 'Refused: there is no place for the data.',
    status: 204,
    raw: true,
    handle: refuseUpload,
  }),
  operation({
    name: 'image.stage',
    method: 'PUT',
    path: '/v2/images/:id/stage',
    who: 'member',
    summary: 'Refused: there is no place for the data.',
    status: 204,
    raw: true,
    handle: refuseUpload,
  }),
  operation<z.infer<typeof importBody>>({
    name: 'image.import',
    method: 'POST',
    path: '/v2/images/:id/import',
    who: 'member',
    summary: 'Refused: no import method is offered.',
    status: 202,
    body: importBody,
    handle: async (input) => {
      await imageOf(input)
      throw badRequest(`Unknown import method name '${input.body.method.name}'.`)
    },
  }),
  operation({
    name: 'image.download',
    method: 'GET',
    path: '/v2/images/:id/file',
    who: 'reader',
    summary: 'The data of an image: none while it is queued, and clouds hand out none.',
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
    handle: (input) => move(input, 'active', 'deactivated', 'deactivate'),
  }),
  operation({
    name: 'image.reactivate',
    method: 'POST',
    path: '/v2/images/:id/actions/reactivate',
    who: 'member',
    summary: 'Lets an image be used again.',
    status: 204,
    handle: (input) => move(input, 'deactivated', 'active', 'reactivate'),
  }),
]
