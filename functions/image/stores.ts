import { imageBindings } from '../../db/queries/image/images.ts'
import { projectOf } from '../broker/block-storage/volume.ts'
import { mayChange } from '../broker/image/image.ts'
import { removeCopy } from '../broker/imports/removing.ts'
import { OWN_STORE, storeClouds } from '../broker/imports/stores.ts'
import { Refused } from '../broker/line/refused.ts'
import { conflict, forbidden, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { imageOf } from './lookup.ts'

/** glance/api/v2/images.py, delete_from_store */
const remove = async (input: Input) => {
  const { context, params } = input
  const store = params.store!
  const image = await imageOf(input, `Failed to find image ${params.id}`)
  const clouds = await storeClouds(context, image.projectId ?? projectOf(context))
  const cloud = clouds.find(({ name }) => name === store)
  if (!cloud && store !== OWN_STORE) throw conflict(`The selected store ${store} is not available on this node.`)
  if (!mayChange(context, image)) throw forbidden('You are not authorized to complete delete_image_location action.')
  if (image.status !== 'active')
    throw conflict("It's not allowed to remove image data from store if image status is not 'active'")
  if (!cloud && image.blob && image.clouds.length)
    throw forbidden(`Store ${OWN_STORE} has the data that other stores are given. Consider deleting the image instead.`)
  const bindings = await imageBindings(context.db, context.scope, image.id)
  const there = bindings.some(
    ({ cloudId, scope, phase, want }) =>
      cloudId === cloud?.id && scope === image.projectId && phase === 'bound' && want === 'present',
  )
  if (there) {
    await removeCopy(context, image, cloud!.id)
    return {}
  }
  const only = cloud ? image.clouds.includes(store) : image.blob !== null
  if (only)
    throw forbidden('Cannot delete image data from the only store containing it. Consider deleting the image instead.')
  throw notFound(`Image ${image.id} is not stored in store ${store}.`)
}

/** https://docs.openstack.org/api-ref/image/v2/#delete-image-from-store */
export const storeOperations: Operation[] = [
  operation({
    name: 'image.delete_from_store',
    method: 'DELETE',
    path: '/v2/stores/:store/:id',
    who: 'member',
    summary: 'Takes back the copy that a cloud has of an image; who needs it there gets it anew.',
    status: 204,
    handle: remove,
    refuse: (error, { params }) =>
      error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'image-needed'
        ? conflict(
            `The data for Image ${params.id} could not be deleted because it is in use: Something is being made of it.`,
          )
        : undefined,
  }),
]
