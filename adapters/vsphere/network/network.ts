import { type Mark, type NetworkSpec, type Realm, reading, type Seen } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone, refuse, unlessGone } from '../../shared/refusals.ts'
import { child, childrenOf, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { inventoryOf } from '../inventory.ts'
import { mayMark, ourMark, plainName, readMark, tokenName, withMark, writeMark } from '../marks.ts'
import { allRecords } from '../records/port-record.ts'
import { subnetsPage } from '../records/subnet-record.ts'
import { claimVlan, releaseVlan } from '../records/vlan.ts'
import { below, type Found, look, refAt, refsAt, text } from '../wire/properties.ts'
import { ref } from '../wire/soap.ts'
import { type Kept, later, progressOf, settled, taskIn } from '../wire/tasks.ts'
import { networkRef } from './port-group.ts'

const PLAIN = ['name', 'vm']
const DISTRIBUTED = [
  ...PLAIN,
  'config.description',
  'config.configVersion',
  'config.defaultPortConfig',
  'config.distributedVirtualSwitch',
  'config.uplink',
]

const vlanOf = (found: Found): number | null => {
  const vlan = textOf(found.props.get('config.defaultPortConfig'), 'vlan', 'vlanId')
  return vlan === undefined || vlan === '' ? null : Number(vlan)
}
const markIn = (found: Found): Mark | undefined => readMark(text(found, 'config.description'))

/**
 * A network is a port group: one of its own on the operator's distributed switch, with a VLAN of the operator's range,
 * or an existing one that is lent: nothing about it is changed and `remove` leaves it alone. The mark is in the
 * description, and names of port groups are unique in a datacenter.
 */
export const network = (context: Context): Realm<NetworkSpec> => {
  const { vim, options, mapping, connection } = context
  const lent = mapping.network ?? options.network

  const seenOf = (found: Found): Seen => {
    const mark = ourMark(text(found, 'config.description'), connection.deployment)
    return { id: found.ref.id, ...(mark ? { mark } : {}), name: plainName(text(found, 'name') ?? ''), health: 'ready' }
  }

  const everything = async (): Promise<Found[]> => {
    const { datacenter } = await inventoryOf(context)
    const found = await below(vim, datacenter.networkFolder, {
      Network: PLAIN,
      DistributedVirtualPortgroup: DISTRIBUTED,
    })
    // An uplink port group leads to the hosts' own cards.
    return found.filter(
      (each) => text(each, 'config.uplink') !== 'true' && each.ref.type !== 'DistributedVirtualSwitch',
    )
  }

  const raw = async (id: string): Promise<Found | null> => {
    const target = networkRef(id)
    try {
      return (await look(vim, [target], target.type === 'DistributedVirtualPortgroup' ? DISTRIBUTED : PLAIN))[0] ?? null
    } catch (error) {
      if (error instanceof CloudError && error.code === 'not_found') return null
      throw error
    }
  }

  const lentOne = async (): Promise<Seen> => {
    const found = (await everything()).find((each) => each.ref.id === lent || text(each, 'name') === lent)
    if (found) return seenOf(found)
    throw new CloudError('definitive', 'The project has no usable network on this cloud.', {
      operatorMessage: `There is no port group ${lent}.`,
    })
  }

  const find = async (mark: Mark): Promise<Seen | null> => {
    const own = (await everything()).find(
      (each) => markIn(each)?.token === mark.token && markIn(each)?.deployment === mark.deployment,
    )
    return own ? seenOf(own) : lent === null ? null : lentOne()
  }

  const isLent = async (id: string): Promise<boolean> => lent !== null && (await lentOne()).id === id

  const dvs = async () => {
    const { datacenter } = await inventoryOf(context)
    const all = await below(vim, datacenter.networkFolder, { DistributedVirtualSwitch: ['name'] })
    const found = all.find((each) => text(each, 'name') === options.switch?.name)
    if (found) return found.ref
    throw new CloudError('definitive', 'The cloud is not configured properly.', {
      operatorMessage: `There is no distributed switch ${options.switch?.name ?? ''}.`,
    })
  }

  const readable = async (id: string): Promise<Found> => {
    const found = await raw(id)
    if (!found) throw gone(id)
    return found
  }

  return {
    once: 'unique',
    settleMs: options.settleMs,
    find,
    async get(id) {
      const found = await raw(id)
      return found && seenOf(found)
    },
    async list() {
      return { items: (await everything()).map(seenOf), complete: true }
    },
    async create(spec, mark) {
      const present = await find(mark)
      if (present) return present
      if (!options.switch) return refuse('Networks on this cloud are made by its operator.')
      const home = await dvs()
      const here = (await everything()).filter((each) => refAt(each, 'config.distributedVirtualSwitch')?.id === home.id)
      const taken = new Set(here.flatMap((each) => vlanOf(each) ?? []))
      const vlanId = await claimVlan(context, home.id, mark.token, taken)
      const no = { inherited: false, value: false }
      const answer = await vim.call(home, 'AddDVPortgroup_Task', {
        spec: {
          name: tokenName(spec.name, mark.token),
          numPorts: 8,
          defaultPortConfig: {
            _type: 'VMwareDVSPortSetting',
            vlan: { _type: 'VmwareDistributedVirtualSwitchVlanIdSpec', inherited: false, vlanId },
            securityPolicy: { inherited: false, allowPromiscuous: no, macChanges: no, forgedTransmits: no },
          },
          description: writeMark(mark),
          type: 'earlyBinding',
          autoExpand: true,
        },
      })
      return later(context, taskIn(answer), { mark: { ...mark } })
    },
    async poll(task) {
      const { task: id, mark, since } = task as unknown as Kept<{ mark: Mark }>
      let lost: unknown
      try {
        if ((await progressOf(context, id)).state === 'running')
          return later(context, ref('Task', id), { mark: { ...mark } }, since)
      } catch (error) {
        lost = error
        if (!(error instanceof CloudError && error.detail.cloudCode === 'DuplicateName')) throw error
      }
      const present = await find(mark)
      if (present) return present
      throw lost ?? gone(mark.resource)
    },
    async update(id, spec) {
      if (await isLent(id)) return lentOne()
      const found = await readable(id)
      const mark = markIn(found)
      assertOurs(mark, connection.deployment)
      // One that was adopted keeps the form of its name.
      const token = mark?.token ?? ''
      const now = text(found, 'name') ?? ''
      const name = now === plainName(now) ? spec.name : tokenName(spec.name, token)
      if (name !== now) await settled(context, taskIn(await vim.call(found.ref, 'Rename_Task', { newName: name })))
      return seenOf(await readable(id))
    },
    async remove(id, mark) {
      if (await isLent(id)) return
      const found = await raw(id)
      if (!found) return
      assertOurs(markIn(found), connection.deployment, mark)
      if (refsAt(found, 'vm').length > 0) throw new CloudError('conflict', 'The network still has servers.')
      if ((await subnetsPage(context, 1, { network: id })).length > 0)
        throw new CloudError('conflict', 'The network still has subnets.')
      for await (const record of allRecords(context)) {
        if (record.network === id) throw new CloudError('conflict', 'The network still has ports.')
      }
      // The claim first: as long as the port group is there, it shows itself that its VLAN is taken.
      const home = refAt(found, 'config.distributedVirtualSwitch')
      if (home) await releaseVlan(context, home.id, markIn(found)?.token ?? mark.token)
      await unlessGone(async () => settled(context, taskIn(await vim.call(found.ref, 'Destroy_Task'))))
    },
    async read(id) {
      const found = await raw(id)
      if (!found) return null
      if (found.ref.type !== 'DistributedVirtualPortgroup')
        refuse(
          'A port group of a standard switch exists on each host by itself and carries no mark; lend it with the option network.',
        )
      const vlan = vlanOf(found)
      const left = [
        ...(vlan === null ? ['It carries several VLANs.'] : vlan > 0 ? [`It has VLAN ${vlan}.`] : []),
        ...(childrenOf(found.props.get('config.defaultPortConfig'), 'filterPolicy').some((each) =>
          child(each, 'filterConfig'),
        )
          ? ['It has traffic filters.']
          : []),
      ]
      return reading({ name: plainName(text(found, 'name') ?? id), cidrs: [] }, { left })
    },
    async mark(id, mark) {
      const found = await raw(id)
      if (!found) {
        if (mark) throw gone(id)
        return
      }
      if (found.ref.type !== 'DistributedVirtualPortgroup') refuse('A port group of a standard switch carries no mark.')
      const present = markIn(found)
      if (mark ? !mayMark(present, mark) : present?.deployment !== connection.deployment) return
      const spec = {
        configVersion: text(found, 'config.configVersion'),
        description: withMark(text(found, 'config.description') ?? '', mark),
      }
      await settled(context, taskIn(await vim.call(found.ref, 'ReconfigureDVPortgroup_Task', { spec })))
    },
  }
}
