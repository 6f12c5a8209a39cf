import type { NetworkRow } from '../../../../db/queries/compute/places.ts'
import type { SegmentRow } from '../../../../db/queries/network/segments.ts'
import type { SubnetRow } from '../../../../db/queries/network/subnets.ts'
import type { Context } from '../../../context.ts'
import type { Write } from '../../line/commit.ts'
import { type Ground, growAt, grows, type Plan } from '../../network/pools/growth.ts'
import type { Understood } from '../server-wish.ts'

/** Networks as they were read, and how those of the project become routed by themselves. */
interface Planned {
  /** Whose the server is: networks of others that it may use do not grow by it. */
  projectId: string
  networks: NetworkRow[]
  segments: SegmentRow[]
  subnets: SubnetRow[]
  plan: Plan | null
}

const planFor = ({ projectId }: NetworkRow, { plan }: Planned) => (plan?.projectId === projectId ? plan : null)

/** Whether a network gets a segment wherever a server of it goes. */
export const willGrow = (network: NetworkRow, read: Planned): boolean =>
  network.projectId === read.projectId && grows(network, read, planFor(network, read))

/** Whether an interface can be wherever its server goes, because its network grows. A named address ties it. */
export const growsFor = ({ network, port, fixedIp }: Understood['nics'][number], read: Planned): boolean =>
  fixedIp === null && !port?.fixedIps.length && willGrow(network, read)

/** What is there once these networks, all of which grow, have what they lack where a server goes, and the writes for it. */
export const growNetworks = async <Read extends Planned>(
  context: Context,
  networks: Iterable<NetworkRow>,
  read: Read,
  ground: Ground,
): Promise<{ read: Read; writes: Write[] }> => {
  const writes: Write[] = []
  let grown = read
  for (const network of new Set(networks)) {
    const made = await growAt(context, network, grown, planFor(network, grown), ground)
    if (!made) continue
    const others = <T extends { networkId: string }>(rows: T[]) => rows.filter((row) => row.networkId !== network.id)
    grown = {
      ...grown,
      segments: [...others(grown.segments), ...made.segments],
      subnets: [...others(grown.subnets), ...made.subnets],
    }
    writes.push(...made.writes)
  }
  return { read: grown, writes }
}
