import type { Filters } from '../../../db/schema/index.ts'
import { filteringAt, type KnownTerms } from '../clouds/filters.ts'
import { conflicting } from './network-refusal.ts'

/** What somebody asks of the filtering of a project's port or network; what is absent is as it comes. */
export interface FilterWish {
  projectId: string
  portSecurity?: boolean | undefined
  securityGroupIds?: string[] | null | undefined
}

/**
 * What the cloud of a network does with security groups; null: it is on none yet. Refuses port security and groups where
 * nothing would come of them, and ports without where there are none: nobody is let believe what is not so.
 */
export const filteredAs = async (
  among: KnownTerms,
  cloudId: string | null,
  wish: FilterWish,
): Promise<Filters | null> => {
  const filtering = await filteringAt(among, cloudId, wish.projectId)
  if (!filtering) return null
  const { filters, whyNone, whyAlways } = filtering
  if (whyNone !== null && (wish.portSecurity || wish.securityGroupIds?.length))
    throw conflicting('PortSecurityAndIPRequiredForSecurityGroups', whyNone)
  if (whyAlways !== null && wish.portSecurity === false) throw conflicting('PortSecurityNotSupported', whyAlways)
  return filters
}
