import { type ImageRead, readImage } from '../../db/queries/image/images.ts'
import type { Context } from '../context.ts'
import { notFound } from '../http/fault.ts'
import type { Input } from '../http/operation.ts'

type Asking = Pick<Input, 'context' | 'params'>

/** What a read of the image of the path finds; 404 in Glance's words. */
export const found = async <R>(
  { context, params }: Asking,
  read: (db: Context['db'], scope: Context['scope'], id: string) => Promise<R | null>,
  absent = `No image found with ID ${params.id}`,
): Promise<R> => {
  const row = await read(context.db, context.scope, params.id!)
  if (!row) throw notFound(absent)
  return row
}

/** The image of the path; 404 in Glance's words. */
export const imageOf = (asking: Asking, absent?: string): Promise<ImageRead> => found(asking, readImage, absent)
