import { allLinks, type CloudLink } from '../../../../db/queries/clouds/links.ts'
import { cloudsInhabited, inhabitedBeyond } from '../../../../db/queries/network/segments.ts'
import type { Context } from '../../../context.ts'
import { linked } from '../../clouds/links.ts'
import { guard, type Write } from '../../line/commit.ts'

/** What the hint `plimsoll:reach` asks about: what leads where, and where something is on the networks of a server. */
export interface Reach {
  links: CloudLink[]
  at: { networkId: string; cloudId: string }[]
}

/** Read for a server that asks for it. `serverId`: where it is itself does not count; '': it is not there yet. */
export const reachAround = async ({ db }: Context, networkIds: string[], serverId: string): Promise<Reach> => {
  const [links, at] = await Promise.all([allLinks(db), cloudsInhabited(db, networkIds, serverId)])
  return { links, at }
}

/** What is not reached from a cloud by routes; null: all is. */
export const unreached = ({ links, at }: Reach, cloudId: string): Reach['at'][number] | null =>
  at.find((each) => !linked(links, each.cloudId, cloudId)) ?? null

/** Guard `reach-moved`: by the time of the batch nothing is on the networks beyond what a cloud reaches. */
export const stillReached = (
  context: Context,
  { links }: Reach,
  networkIds: string[],
  serverId: string,
  cloudId: string,
): Write => {
  const near = links.filter((link) => link.reach === 'routed' && [link.one, link.other].includes(cloudId))
  const cloudIds = [cloudId, ...near.flatMap(({ one, other }) => [one, other])]
  return guard(context, 'reach-moved', inhabitedBeyond(networkIds, serverId, cloudIds))
}
