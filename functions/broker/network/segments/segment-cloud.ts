import { externalNetworkOf } from '../../../../db/queries/clouds/inventory.ts'
import { cloudsOf } from '../../../../db/queries/network/network.ts'
import { segmentsOf } from '../../../../db/queries/network/segments.ts'
import { type SubnetRow, subnetsOf } from '../../../../db/queries/network/subnets.ts'
import type { Context } from '../../../context.ts'
import { adapterOf } from '../../clouds/adapter.ts'
import { conflicting, type NetworkRefused } from '../network-refusal.ts'

/* Routers and public addresses are of one cloud, and so are the subnets of a routed network that they can serve. */

const nameOf = async (context: Context, cloudId: string): Promise<string> =>
  (await adapterOf(context, cloudId))?.name ?? cloudId

/** Clouds of the segments in which subnets lie; none: their networks are not routed. */
export const segmentClouds = ({ db }: Context, subnetIds: string[]): Promise<string[]> => cloudsOf(db, [], subnetIds)

/** Why a router of one cloud cannot join a subnet that lies in a segment on another, and which subnets would do. */
export const routerElsewhere = async (
  context: Context,
  routerId: string,
  subnet: SubnetRow,
  cloudId: string,
): Promise<NetworkRefused> => {
  const { db } = context
  const segments = await segmentsOf(db, [subnet.networkId])
  const on = (id: string | null) => segments.find((segment) => segment.id === id)?.cloudId
  const others = (await subnetsOf(db, [subnet.networkId])).filter(({ segmentId }) => on(segmentId) === cloudId)
  const [here, there] = [await nameOf(context, cloudId), await nameOf(context, on(subnet.segmentId) ?? '')]
  const would = others.length
    ? `of its network ${others.map(({ id }) => id).join(', ')} would do`
    : `its network has no subnet on ${here}`
  return conflicting(
    'RouterInUse',
    `Router ${routerId} is on cloud ${here}, and subnet ${subnet.id} lies in a segment on cloud ${there}: ${would}.`,
  )
}

/** Why a way out of one cloud does not serve what is on another, and which would. `what` begins the sentence. */
export const wayOutElsewhere = async (
  context: Context,
  type: string,
  what: string,
  cloudId: string,
): Promise<NetworkRefused> => {
  const other = await externalNetworkOf(context.db, cloudId)
  const name = await nameOf(context, cloudId)
  const would = other ? `external network ${other.name} (${other.id}) would do` : 'that cloud has no external network'
  return conflicting(type, `${what} cloud ${name}: ${would}.`)
}
