import type { Found } from '../../../../db/queries/compute/places.ts'
import type { Context } from '../../../context.ts'
import type { Write } from '../../line/commit.ts'
import { growAt, grows, isMissingAt } from '../../network/pools/growth.ts'
import type { Place } from '../server-facts.ts'
import type { Understood } from '../server-wish.ts'

type Nic = Understood['nics'][number]

const planFor = ({ network }: Nic, { plan }: Found) => (plan?.projectId === network.projectId ? plan : null)

/** Whether an interface can be wherever its server goes, because its network gets a segment there. A named address ties it. */
export const growsFor = (nic: Nic, found: Found): boolean =>
  nic.fixedIp === null && !nic.port?.fixedIps.length && grows(nic.network, found, planFor(nic, found))

/** What is there once the networks of a server have what they lack where it goes, and the writes that make it so. */
export const growNetworks = async (
  context: Context,
  { nics }: Understood,
  found: Found,
  { at, zonal, before }: { at: Place; zonal: boolean; before: number },
): Promise<{ found: Found; writes: Write[] }> => {
  const writes: Write[] = []
  let grown = found
  for (const nic of nics) {
    const { network } = nic
    if (!growsFor(nic, grown) || !isMissingAt(network, grown, at, zonal)) continue
    const made = await growAt(context, network, grown, planFor(nic, grown), { at, zonal, before })
    const others = <T extends { networkId: string }>(rows: T[]) => rows.filter((row) => row.networkId !== network.id)
    grown = {
      ...grown,
      segments: [...others(grown.segments), ...made.segments],
      subnets: [...others(grown.subnets), ...made.subnets],
    }
    writes.push(...made.writes)
  }
  return { found: grown, writes }
}
