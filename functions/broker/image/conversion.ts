import type { ImageRow } from '../../../db/queries/image/images.ts'
import type { Context, ConversionJob } from '../../context.ts'
import type { Way } from './image-takers.ts'

/** What has to be made of an image's data for a cloud that takes it in another format. */
export const jobOf = (
  row: Pick<ImageRow, 'projectId' | 'blob' | 'diskFormat' | 'containerFormat' | 'sizeBytes'>,
  format: string,
): ConversionJob => ({
  project: row.projectId ?? '',
  blob: row.blob ?? '',
  sizeBytes: row.sizeBytes ?? 0,
  from: `${row.diskFormat}/${row.containerFormat}`,
  to: format,
})

/** How much of a conversion under way is done, 0 to 1; null: none is, or nobody knows. */
export const conversionShare = async (
  { conversion }: Pick<Context, 'conversion'>,
  row: ImageRow,
  way: Way | null,
): Promise<number | null> =>
  way?.converted && !('lacking' in conversion) ? conversion.share(jobOf(row, way.format)) : null
