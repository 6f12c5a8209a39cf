import type { Policy } from '../../../../db/schema/index.ts'
import { LEASE, LEASE_END, NEVER_SPILL, SPOT, STOP_AT_BUDGET } from '../metadata-rules.ts'

/* What users say with a server can only tighten what administrators said of their project. */

type Words = Record<string, string>

/** What a server says of itself, and its flavor for it. */
export interface Tightening {
  metadata: Words
  tags: string[]
  extraSpecs: Words
}

const SPOTS = ['never', 'allowed', 'preferred'] as const

/** Why a server may not be elsewhere than at home, a sentence; null: it may, as far as it and its project say. */
export const whyAtHome = (
  { spill, never_spill }: Pick<Policy, 'spill' | 'never_spill'>,
  { metadata, tags, extraSpecs }: Tightening,
): string | null => {
  if (spill === 'never') return 'Nothing of the project goes elsewhere than home.'
  if (metadata[NEVER_SPILL] === 'true') return `Its metadata item ${NEVER_SPILL} keeps it at home.`
  if (extraSpecs[NEVER_SPILL] === 'true') return `Its flavor keeps it at home (${NEVER_SPILL}).`
  const tag = never_spill.tags.find((each) => tags.includes(each))
  if (tag !== undefined) return `What has tag ${tag} stays at home.`
  const item = Object.entries(never_spill.metadata).find(
    ([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value,
  )
  return item ? `What has metadata item ${item[0]} ${item[1]} stays at home.` : null
}

/** The item of a server's metadata by which it is stopped one day, and not deleted; null: there is none. */
export const stopsBy = (metadata: Words): string | null => {
  if (metadata[STOP_AT_BUDGET] === 'true') return STOP_AT_BUDGET
  return metadata[LEASE] !== undefined && metadata[LEASE_END] !== 'delete' ? LEASE : null
}

/** How a server may be bought: as its project, its flavor and itself all agree to. What is to stop one day is not bought as spot, which cannot. */
export const spotOf = ({ spot }: Pick<Policy, 'spot'>, { metadata, extraSpecs }: Tightening): Policy['spot'] => {
  if (stopsBy(metadata) !== null) return 'never'
  const said = [spot, extraSpecs[SPOT], metadata[SPOT]].flatMap((word) => {
    const rank = word === undefined ? -1 : SPOTS.indexOf(word as Policy['spot'])
    return rank < 0 ? [] : [rank]
  })
  return SPOTS[Math.min(...said)]!
}
