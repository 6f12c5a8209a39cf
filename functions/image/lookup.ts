import { type ImageRead, readImage } from '../../db/queries/image/images.ts'
import { notFound } from '../http/fault.ts'
import type { Input } from '../http/operation.ts'

/** The image of the path; 404 in Glance's words. */
export const imageOf = async (
  { context, params }: Pick<Input, 'context' | 'params'>,
  absent = `No image found with ID ${params.id}`,
): Promise<ImageRead> => {
  const found = await readImage(context.db, context.scope, params.id!)
  if (!found) throw notFound(absent)
  return found
}
