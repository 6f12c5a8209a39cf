import type { ImageSpec } from '../../../adapters/contract.ts'
import { type ImageRow, imageWithCopies } from '../../../db/queries/image/images.ts'
import type { Binding } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { conversionShare } from './conversion.ts'
import { formatOf, wayTo, whyUnconverted } from './image-takers.ts'

/** What a cloud has of an image, or could have. */
export interface CopyShown {
  cloud: string
  /** For which it was made; null: for every one. */
  projectId: string | null
  state: 'absent' | 'copying' | 'ready' | 'failed'
  nativeId: string | null
  named: boolean
  /** `<disk format>/<container format>`; null: nothing is handed over. */
  format: string | null
  converted: boolean
  /** 0 to 1. */
  share: number | null
  reason: string | null
  /** Since when, in milliseconds since 1970. */
  at: number | null
}

const STATES: Record<Binding['phase'], CopyShown['state']> = {
  intent: 'copying',
  calling: 'copying',
  bound: 'ready',
  deleting: 'absent',
  gone: 'absent',
  failed: 'failed',
}

interface CloudOf {
  name: string
  type: string
}

/** An image on each cloud that the scope's project is mapped to, in the operator's order of clouds; null: there is none. */
export const imageCopies = async (context: Context, id: string): Promise<CopyShown[] | null> => {
  const found = await imageWithCopies(context.db, context.scope, id)
  if (!found) return null
  const { image, clouds } = found
  const shown = clouds.map(
    async (cloud): Promise<CopyShown[]> =>
      cloud.copies.length
        ? Promise.all(cloud.copies.map((copy) => present(context, image, copy, cloud)))
        : [await absent(context, image, cloud)],
  )
  return (await Promise.all(shown)).flat()
}

const present = async (context: Context, row: ImageRow, binding: Binding, cloud: CloudOf): Promise<CopyShown> => {
  const { phase, observed, error, named } = binding
  // It was bound and the cloud shows it no more.
  const lost = phase === 'bound' && error !== null && observed === null
  const state = lost ? 'failed' : STATES[phase]
  const source = (binding.frozen as ImageSpec | null)?.source
  const data = source?.kind === 'data' ? source : null
  const planned = row.blob && binding.scope !== '' && !data ? await wayTo(context, row, cloud) : null
  const format = data?.format ?? planned?.format ?? null
  return {
    cloud: cloud.name,
    projectId: binding.projectId || null,
    state,
    nativeId: state === 'ready' ? binding.nativeId : null,
    named,
    format,
    converted: data ? data.blob !== row.blob : (planned?.converted ?? false),
    share:
      state === 'ready'
        ? 1
        : state === 'copying'
          ? (binding.share ?? (await conversionShare(context, row, planned)))
          : null,
    reason:
      state === 'failed'
        ? (error?.message ?? 'The cloud could not make it.')
        : state === 'copying'
          ? (error?.message ?? null)
          : null,
    at:
      state === 'ready'
        ? (binding.boundAt ?? binding.createdAt)
        : state === 'copying'
          ? binding.createdAt
          : binding.updatedAt,
  }
}

const absent = async (context: Context, row: ImageRow, cloud: CloudOf): Promise<CopyShown> => {
  const way = row.blob ? await wayTo(context, row, cloud) : null
  return {
    cloud: cloud.name,
    projectId: null,
    state: 'absent',
    nativeId: null,
    named: false,
    format: way?.format ?? null,
    converted: way?.converted ?? false,
    share: null,
    reason: way ? null : whyAbsent(context, row),
    at: null,
  }
}

const whyAbsent = (context: Context, row: ImageRow): string =>
  row.blob
    ? `Its data is ${formatOf(row)}, which the cloud does not take. ${whyUnconverted(context, row)}`
    : `There is no data of it here that could be handed over. An administrator names the copy that a cloud has of it: PUT /broker/v1/images/${row.id}/copies/CLOUD.`
