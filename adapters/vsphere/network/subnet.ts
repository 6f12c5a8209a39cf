import type { Mark, NativeId, Realm, Seen, SubnetSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { contains, overlaps, parseAddress, parseCidr } from '../../shared/cidr.ts'
import { readMark, writeMark } from '../../shared/mark-line.ts'
import { markedRealm } from '../../shared/realm.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { ourMark } from '../marks.ts'
import { dropSubnet, putSubnet, type SubnetRecord, subnetId, subnetOf, subnetsPage } from '../records/subnet-record.ts'
import { look } from '../wire/properties.ts'
import { networkRef } from './port-group.ts'

/** The network's own address and broadcast: nothing else is anybody's on a port group. */
export const RESERVED = { head: 1, tail: 1 }
const PAGE = 500

/** @throws `definitive` for a plan that cannot be */
const check = ({ cidr, gateway, dnsServers }: SubnetSpec): void => {
  const block = parseCidr(cidr) ?? refuse(`${cidr} is not an address range.`)
  const inside = (text: string) => {
    const address = parseAddress(text)
    const width = block.family === 4 ? 32 : 128
    return (
      address?.family === block.family && contains(block, { family: block.family, first: address.value, prefix: width })
    )
  }
  if (block.prefix > (block.family === 4 ? 30 : 126)) refuse(`${cidr} is too narrow for a subnet.`)
  if (gateway !== null && !inside(gateway)) refuse(`The gateway ${gateway} is not in ${cidr}.`)
  for (const server of dnsServers) if (!parseAddress(server)) refuse(`${server} is not an address.`)
}

/** @throws `definitive` for a range of which another subnet of the network has a part */
const refuseOverlap = async (context: Context, spec: SubnetSpec, self: NativeId): Promise<void> => {
  const block = parseCidr(spec.cidr)!
  for (const other of await subnetsPage(context, PAGE, { network: spec.network })) {
    const taken = parseCidr(other.spec.cidr)
    if (other.id !== self && taken && overlaps(block, taken))
      refuse(`${spec.cidr} overlaps ${other.spec.cidr} of the same network.`)
  }
}

type Kept = NonNullable<Awaited<ReturnType<typeof subnetOf>>>

/**
 * A subnet is a plan of addresses that guests are told through cloud-init. vSphere has nothing like it, so it is kept
 * in the store; the zone of the plan says nothing, since port groups span the cloud.
 */
export const subnet = (context: Context): Realm<SubnetSpec> => {
  const { connection, vim } = context
  const seenOf = ({ id, spec, mark }: SubnetRecord): Seen => {
    const own = ourMark(mark, connection.deployment)
    return { id, ...(own ? { mark: own } : {}), name: spec.name, health: 'ready' }
  }
  const records = {
    raw: (id: NativeId) => subnetOf(context, id),
    markOf: ({ record }: Kept) => readMark(record.mark),
    one: ({ record }: Kept) => seenOf(record),
    async find(mark: Mark, spec: SubnetSpec) {
      const found = await subnetOf(context, subnetId(spec.network, mark.token))
      return found && readMark(found.record.mark)?.token === mark.token ? seenOf(found.record) : null
    },
    async list(cursor?: string) {
      const page = await subnetsPage(context, PAGE, cursor === undefined ? {} : { after: cursor })
      const next = page.length === PAGE ? page.at(-1)?.id : undefined
      return { items: page.map(seenOf), complete: true, ...(next === undefined ? {} : { next }) }
    },
  }

  return markedRealm<SubnetSpec, Seen, Kept>(connection, records, {
    once: 'unique',
    recorded: true,
    settleMs: 0,
    check,
    async create(spec, mark) {
      const id = subnetId(spec.network, mark.token)
      const present = await subnetOf(context, id)
      if (present) return seenOf(present.record)
      if ((await look(vim, [networkRef(spec.network)], ['name'])).length === 0) throw gone(spec.network)
      await refuseOverlap(context, spec, id)
      const record = { id, spec, mark: writeMark(mark) }
      await putSubnet(context, record, 0)
      return seenOf((await subnetOf(context, id))?.record ?? record)
    },
    async update({ record, version }, spec) {
      const { network, cidr } = record.spec
      if (spec.network !== network || spec.cidr !== cidr) refuse('Network and range of a subnet do not change.')
      const same = JSON.stringify(spec) === JSON.stringify(record.spec)
      if (!same && !(await putSubnet(context, { ...record, spec }, version)))
        throw new CloudError('conflict', 'Somebody else changes the subnet at the same time.')
      return seenOf({ ...record, spec })
    },
    async remove({ record: { id } }) {
      const used = await context.surroundings.store.list(`${context.storePrefix}/address/${id}/`, 1)
      if (used.length > 0) throw new CloudError('conflict', 'The subnet still has ports.')
      await dropSubnet(context, id)
    },
  })
}
