import { type CloudLink, type LinkedCloud, replaceLinks } from '../../../db/queries/clouds/links.ts'
import type { Context } from '../../context.ts'
import { commit } from '../line/commit.ts'

/**
 * What leads from one cloud to another, as their operators say, who have the wiring: `routed`: addresses of one are reached
 * from the other; `public`: only through public addresses; `none`: not at all, and this is so where nobody says otherwise.
 */
export const REACHES = ['routed', 'public', 'none'] as const
export type Reach = (typeof REACHES)[number]

/** A pair of clouds by their names in order, and what leads from each to the other. */
export interface ReachOfPair {
  clouds: [string, string]
  reach: Reach
}

/** What leads from one cloud to another, by their ids. A cloud reaches itself. Only what was said counts: two links are no way. */
const reachOf = (links: readonly CloudLink[], a: string, b: string): Reach => {
  if (a === b) return 'routed'
  const [one, other] = [a, b].sort()
  return links.find((link) => link.one === one && link.other === other)?.reach ?? 'none'
}

/** Whether servers on two clouds, by their ids, reach each other by their own addresses. */
export const linked = (links: readonly CloudLink[], a: string, b: string): boolean => reachOf(links, a, b) === 'routed'

/** Every pair of some clouds. */
export const reachAmong = (clouds: readonly LinkedCloud[]): ReachOfPair[] => {
  const links = clouds.flatMap((cloud) => cloud.links)
  const inOrder = clouds.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return inOrder.flatMap((a, i) =>
    inOrder.slice(i + 1).map((b): ReachOfPair => ({ clouds: [a.name, b.name], reach: reachOf(links, a.id, b.id) })),
  )
}

/** Says what leads from which cloud to which, in place of all that was said before. Ids of clouds. */
export const setLinks = (context: Context, said: { clouds: [string, string]; reach: Reach }[]): Promise<void> => {
  const links = said.flatMap(({ clouds, reach }): CloudLink[] => {
    const [one = '', other = ''] = clouds.toSorted()
    return reach === 'none' ? [] : [{ one, other, reach }]
  })
  const detail = { links: links.map(({ one, other, reach }) => ({ one, other, reach })) }
  return commit(context, { action: 'link', kind: 'cloud', resourceId: 'links', detail }, [
    ...replaceLinks(context.db, links),
  ])
}
