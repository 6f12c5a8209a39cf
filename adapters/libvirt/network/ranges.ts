import type { HeldRange } from '../../contract.ts'
import type { Context } from '../context.ts'
import { everywhere } from '../records/everywhere.ts'
import { idOn } from '../records/ids.ts'
import { table } from '../records/kept.ts'
import { networksOn } from '../records/network.ts'
import { type Host, keepOf } from '../wire/host.ts'

/** What was seen of a host last, by its name: while it is silent nobody gave anything back. */
const SEEN = table<{ id: string; ranges: HeldRange[] }>('ranges')

/**
 * The ranges of networks that others made on the hosts: a host has an address in each, and in no second network of the same. Of a
 * host that does not answer those that were seen last.
 */
export const heldRanges = async (context: Context): Promise<HeldRange[]> => {
  const keep = keepOf(context)
  const look = async (host: Host): Promise<HeldRange[]> =>
    (await networksOn(host))
      .filter(({ note }) => note?.mark.deployment !== context.connection.deployment)
      .flatMap(({ ref, blocks }) =>
        blocks.map(({ cidr }) => ({ cidr, network: idOn(host, 'network', ref.uuid), whole: false })),
      )
  const { found, down } = await everywhere(context, look)
  for (const { host, answer } of found) {
    const before = await SEEN.get(keep, host.name)
    if (JSON.stringify(before?.record.ranges ?? []) !== JSON.stringify(answer))
      await SEEN.put(keep, { id: host.name, ranges: answer }, before?.version ?? 0)
  }
  const kept = await Promise.all(down.map(({ name }) => SEEN.get(keep, name)))
  return [...found.flatMap(({ answer }) => answer), ...kept.flatMap((row) => row?.record.ranges ?? [])]
}
