import type { Adapter, Json } from '../../../adapters/contract.ts'
import type { MappedCloud } from '../../../db/queries/clouds/clouds.ts'
import { type Terms, termsFor } from '../../../db/queries/clouds/policies.ts'
import type { Filters } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { adapterOf, type KnownCloud } from './adapter.ts'

/** From the strictest to the weakest. */
export const FILTERS = ['enforced', 'trusted', 'none'] as const satisfies Filters[]

/** What a cloud makes of security groups and port security, for one project. */
export interface Filtering {
  filters: Filters
  /** Why nothing is filtered, a sentence; null: security groups are accepted. */
  whyNone: string | null
  /** Why no port may be without port security, a sentence; null: it may. */
  whyAlways: string | null
}

/** What a cloud can, whatever is said of it. */
const canFilter = ({ lacks }: Pick<Adapter, 'lacks'>): boolean => lacks.security_group === undefined

/** What holds on a cloud under these terms; undefined: nothing is said. */
export const filteringOf = (
  { name, adapter }: { name: string; adapter: Pick<Adapter, 'lacks' | 'limits'> },
  terms: Pick<Terms, 'filters' | 'portSecurityOff'> | undefined,
): Filtering => {
  const able = canFilter(adapter)
  const filters = able ? (terms?.filters ?? 'enforced') : terms?.filters === 'trusted' ? 'trusted' : 'none'
  const whyNone =
    filters === 'none'
      ? (adapter.lacks.security_group ?? `Cloud ${name} filters no traffic of this project; its operator says so.`)
      : null
  return { filters, whyNone, whyAlways: whyAlways(name, adapter, terms) }
}

const whyAlways = (
  name: string,
  { limits }: Pick<Adapter, 'limits'>,
  terms: Pick<Terms, 'portSecurityOff'> | undefined,
): string | null => {
  const { unfiltered } = limits.port
  if (unfiltered === true || (unfiltered === 'permitted' && terms?.portSecurityOff)) return null
  const rest = unfiltered === 'permitted' ? ', as the mapping of the project permits nothing else' : ''
  return `Cloud ${name} filters the traffic of every port${rest}.`
}

/** What is said of a cloud and a project, of rows that are read as a whole. */
export const termsOf = ({ cloud, mapping }: MappedCloud): Pick<Terms, 'filters' | 'portSecurityOff'> => ({
  filters: (mapping.filters ?? cloud.options.filters ?? null) as Filters | null,
  portSecurityOff: Number(mapping.port_security_off === true),
})

/**
 * Why a cloud cannot be said to do this with security groups, a sentence; null: it can. `mapping`: what else is said of the
 * project; null: it is said of all projects.
 */
export const filtersFault = (
  filters: Json | undefined,
  mapping: Record<string, Json> | null,
  { name, adapter }: { name: string; adapter: Pick<Adapter, 'lacks' | 'limits'> },
): string | null => {
  if (filters === undefined || filters === null) return null
  if (!canFilter(adapter))
    return filters === 'enforced' ? `Cloud ${name} filters no traffic, so filters are trusted or none there.` : null
  const permitted = adapter.limits.port.unfiltered === true || mapping?.port_security_off === true
  return filters === 'enforced' || permitted
    ? null
    : `Cloud ${name} filters the traffic of every port: filters are enforced there, unless a mapping says port_security_off.`
}

/** Where clouds and terms are looked for: among those that were read already, or in the database. */
export type KnownTerms = Pick<Context, 'db'> | { clouds: KnownCloud[]; terms: Terms[] }

/** What holds for a project on a cloud; null: there is none, or nothing speaks to it. */
export const filteringAt = async (
  among: KnownTerms,
  cloudId: string | null,
  projectId: string,
): Promise<Filtering | null> => {
  const cloud = await adapterOf(among, cloudId)
  if (!cloud) return null
  const terms = 'terms' in among ? among.terms : await termsFor(among.db, [projectId], [cloudId!])
  return filteringOf(
    cloud,
    terms.find((each) => each.cloudId === cloudId && each.projectId === projectId),
  )
}

const weakness = (filters: Filters): number => FILTERS.indexOf(filters)

/** Whether what is filtered like `from` may go where it is filtered like `to`, under a policy's `min_filters`. */
export const mayMove = (from: Filters, to: Filters, least: Filters): boolean =>
  weakness(to) <= Math.max(weakness(from), weakness(least))
