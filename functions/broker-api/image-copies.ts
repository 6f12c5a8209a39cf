import * as z from 'zod'
import { CopyRefused, forgetImageCopy, nameImageCopy } from '../broker/adopt/image-copies.ts'
import { type ImageOnClouds, imageFor } from '../broker/image/image.ts'
import { type CopyShown, imageCopies } from '../broker/image/image-copies.ts'
import type { Context } from '../context.ts'
import { conflict, notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { cloudNamed, iso } from './lookup.ts'

const named = z.strictObject({ native_id: z.string().min(1).max(255) })

const PATH = '/v1/images/:id/copies'

const noImage = (id: string) => notFound(`There is no image ${id}.`)

const imageIn = async (context: Context, id: string): Promise<ImageOnClouds> => {
  const found = await imageFor(context, id)
  if (!found) throw noImage(id)
  return found
}

const copiesIn = async (context: Context, id: string): Promise<CopyShown[]> => {
  const copies = await imageCopies(context, id)
  if (!copies) throw noImage(id)
  return copies
}

const view = (copy: CopyShown) => ({
  cloud: copy.cloud,
  project_id: copy.projectId,
  state: copy.state,
  native_id: copy.nativeId,
  /** An operator said so. */
  named: copy.named,
  /** In which the cloud was, or would be, handed the data; null: it has it from elsewhere, or takes none. */
  format: copy.format,
  /** The data is made that, which costs reading all of it and writing what is in it. */
  converted: copy.converted,
  /** Done of what is under way, from 0 to 1; null where nobody says. */
  share: copy.share,
  reason: copy.reason,
  at: iso(copy.at),
})

const refuse = (error: unknown) => (error instanceof CopyRefused ? conflict(error.message) : undefined)

/** One image, and what each cloud has of it. */
export const imageCopyOperations: Operation[] = [
  operation({
    name: 'image_copy.list',
    method: 'GET',
    path: PATH,
    who: 'reader',
    summary:
      "What each of the project's clouds has of an image: `absent` (with the format in which it would be handed over, or why it cannot be), `copying`, `ready` or `failed`, and since when.",
    status: 200,
    handle: async ({ context, params }) => {
      const copies = await copiesIn(context, params.id!)
      return { body: { copies: copies.map(view) } }
    },
  }),
  operation({
    name: 'image_copy.put',
    method: 'PUT',
    path: `${PATH}/:name`,
    who: 'admin',
    summary:
      'Says which object of a cloud is the image there, for every project: an AMI, a template. 409 where the cloud does not show it to all that may need it, or shows another machine. It is never changed or removed.',
    status: 200,
    body: named,
    handle: async ({ context, params, body }) => {
      const cloud = await cloudNamed(context, params.name!)
      await nameImageCopy(context, await imageIn(context, params.id!), cloud, body.native_id)
      const copies = await copiesIn(context, params.id!)
      return { body: { copy: view(copies.find((copy) => copy.cloud === cloud.name && copy.named)!) } }
    },
    refuse,
  }),
  operation({
    name: 'image_copy.delete',
    method: 'DELETE',
    path: `${PATH}/:name`,
    who: 'admin',
    summary:
      'Takes back what was said to be the image on a cloud; the object stays there. 409 while something is being made of the image.',
    status: 204,
    handle: async ({ context, params }) => {
      const cloud = await cloudNamed(context, params.name!)
      await forgetImageCopy(context, await imageIn(context, params.id!), cloud)
      return {}
    },
    refuse,
  }),
]
