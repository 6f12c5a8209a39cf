import type { Realm, Seen, SubnetSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { contains, overlaps, parseAddress, parseCidr } from '../../shared/cidr.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { ourMark, readMark, writeMark } from '../marks.ts'
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
  const get = async (id: string): Promise<Seen | null> => {
    const found = await subnetOf(context, id)
    return found && seenOf(found.record)
  }
  const checkNeighbours = async (spec: SubnetSpec, self: string): Promise<void> => {
    const block = parseCidr(spec.cidr)!
    for (const other of await subnetsPage(context, PAGE, { network: spec.network })) {
      const taken = parseCidr(other.spec.cidr)
      if (other.id !== self && taken && overlaps(block, taken))
        refuse(`${spec.cidr} overlaps ${other.spec.cidr} of the same network.`)
    }
  }

  return {
    once: 'unique',
    settleMs: 0,
    get,
    async find(mark, spec) {
      const found = await subnetOf(context, subnetId(spec.network, mark.token))
      return found && readMark(found.record.mark)?.token === mark.token ? seenOf(found.record) : null
    },
    async list(cursor) {
      const records = await subnetsPage(context, PAGE, cursor === undefined ? {} : { after: cursor })
      const next = records.length === PAGE ? records.at(-1)?.id : undefined
      return { items: records.map(seenOf), complete: true, ...(next === undefined ? {} : { next }) }
    },
    async create(spec, mark) {
      check(spec)
      const id = subnetId(spec.network, mark.token)
      const present = await get(id)
      if (present) return present
      if ((await look(vim, [networkRef(spec.network)], ['name'])).length === 0) throw gone(spec.network)
      await checkNeighbours(spec, id)
      const record = { id, spec, mark: writeMark(mark) }
      await putSubnet(context, record, 0)
      return (await get(id)) ?? seenOf(record)
    },
    async update(id, spec) {
      check(spec)
      const found = await subnetOf(context, id)
      if (!found) throw gone(id)
      assertOurs(readMark(found.record.mark), connection.deployment)
      const { network, cidr } = found.record.spec
      if (spec.network !== network || spec.cidr !== cidr) refuse('Network and range of a subnet do not change.')
      if (
        JSON.stringify(spec) !== JSON.stringify(found.record.spec) &&
        !(await putSubnet(context, { ...found.record, spec }, found.version))
      )
        throw new CloudError('conflict', 'Somebody else changes the subnet at the same time.')
      return seenOf({ ...found.record, spec })
    },
    async remove(id, mark) {
      const found = await subnetOf(context, id)
      if (!found) return
      assertOurs(readMark(found.record.mark), connection.deployment, mark)
      const used = await context.surroundings.store.list(`${context.storePrefix}/address/${id}/`, 1)
      if (used.length > 0) throw new CloudError('conflict', 'The subnet still has ports.')
      await dropSubnet(context, id)
    },
  }
}
