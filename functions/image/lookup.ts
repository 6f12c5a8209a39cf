import { type ImageOnClouds, imageFor } from '../broker/image/image.ts'
import { notFound } from '../http/fault.ts'
import type { Input } from '../http/operation.ts'

/** The image of the path; 404 in Glance's words. */
export const imageOf = async (
  { context, params }: Pick<Input, 'context' | 'params'>,
  absent = `No image found with ID ${params.id}`,
): Promise<ImageOnClouds> => {
  const found = await imageFor(context, params.id!)
  if (!found) throw notFound(absent)
  return found
}
