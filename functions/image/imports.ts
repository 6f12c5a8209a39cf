import * as z from 'zod'
import { projectOf } from '../broker/block-storage/volume.ts'
import type { StoreCloud } from '../broker/imports/copying.ts'
import { copyImage, importDirect, importFault, importFrom } from '../broker/imports/import.ts'
import { OWN_STORE, storeClouds } from '../broker/imports/stores.ts'
import { badRequest, conflict } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { importMethods } from './info.ts'
import { imageOf } from './lookup.ts'

const importBody = z.object({
  method: z.object({ name: z.string().max(255), uri: z.string().max(2_048).optional() }),
  stores: z.array(z.string().max(255)).max(100).optional(),
  all_stores: z.boolean().optional(),
  all_stores_must_succeed: z.boolean().optional(),
})
type ImportBody = z.infer<typeof importBody>

/** Clouds that a request asks copies on, and whether on all (glance/common/utils.py, get_stores_from_request). */
const storesIn = async (
  { context, body, request }: Input<ImportBody>,
  projectId: string,
): Promise<{ to: StoreCloud[]; own: boolean }> => {
  const header = request.headers.get('x-image-meta-store')
  const clouds = await storeClouds(context, projectId)
  if (body.all_stores) {
    if (body.stores || header !== null)
      throw badRequest("All_stores parameter can't be used with x-image-meta-store header or stores parameter")
    return { to: clouds, own: true }
  }
  if (body.stores && header !== null)
    throw badRequest("Stores parameter and x-image-meta-store header can't be both specified")
  const names = [...new Set(body.stores ?? (header === null ? [OWN_STORE] : [header]))]
  const to = names
    .filter((name) => name !== OWN_STORE)
    .map((name) => {
      const cloud = clouds.find((each) => each.name === name)
      if (!cloud) throw conflict(`Unknown scheme '${name}' found in URI`)
      return cloud
    })
  return { to, own: names.includes(OWN_STORE) }
}

/** glance/api/v2/images.py, import_image */
const importImage = async (input: Input<ImportBody>) => {
  const { context, body } = input
  const { name, uri } = body.method
  if (!importMethods(context).includes(name)) throw badRequest(`Unknown import method name '${name}'.`)
  const image = await imageOf(input)
  if (image.status === 'active' && name !== 'copy-image')
    throw conflict('Image with status active cannot be target for import')
  if (image.status !== 'active' && name === 'copy-image')
    throw conflict('Only images with status active can be targeted for copying')
  if (image.status !== 'queued' && name === 'web-download')
    throw conflict(`Image needs to be in 'queued' state to use '${name}' method`)
  const { to, own } = await storesIn(input, image.projectId ?? projectOf(context))
  const asked = { image_id: image.id, import_req: body, backend: to.map((cloud) => cloud.name) }
  const wish = { type: 'api_image_import' as const, input: asked, to, all: body.all_stores_must_succeed ?? true }
  if (name === 'glance-direct') await importDirect(context, image, wish)
  if (name === 'web-download') {
    const fault = uri === undefined ? 'There is none.' : await importFault(context, uri)
    if (fault) throw badRequest(`URI for web-download does not pass filtering: ${uri ?? 'None'}. ${fault}`)
    await importFrom(context, image, uri!, wish)
  }
  if (name === 'copy-image') {
    const there = (cloud: StoreCloud) => image.clouds.includes(cloud.name)
    if (!body.all_stores && (own || to.some(there)))
      throw badRequest(`Image is already present at store '${own ? OWN_STORE : to.find(there)!.name}'`)
    await copyImage(context, image, { ...wish, to: to.filter((cloud) => !there(cloud)) })
  }
  return {}
}

/** https://docs.openstack.org/api-ref/image/v2/#import-an-image */
export const importOperations: Operation[] = [
  operation<ImportBody>({
    name: 'image.import',
    method: 'POST',
    path: '/v2/images/:id/import',
    who: 'member',
    summary:
      'Makes an image of the data that was staged for it (glance-direct) or is at an address (web-download), or copies it to clouds (copy-image). Its task says what became of that.',
    status: 202,
    body: importBody,
    handle: importImage,
  }),
]
