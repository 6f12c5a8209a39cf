import {
  type Mark,
  type NativeId,
  type NetworkSeen,
  type NetworkSpec,
  type Reading,
  type Realm,
  reading,
} from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { readMark, writeMark } from '../../shared/mark-line.ts'
import { exceptLent, markedRealm } from '../../shared/realm.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import { child, childrenOf, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { inventoryOf } from '../inventory.ts'
import { ourMark, plainName, tokenName, withMark } from '../marks.ts'
import { allRecords } from '../records/port-record.ts'
import { subnetsPage } from '../records/subnet-record.ts'
import { claimVlan, releaseVlan } from '../records/vlan.ts'
import { below, type Found, look, refAt, refsAt, text } from '../wire/properties.ts'
import type { Ref, Value } from '../wire/soap.ts'
import { type Kept, later, made, settled, taskIn } from '../wire/tasks.ts'
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

const seenOf = ({ connection }: Context, found: Found): NetworkSeen => {
  const vlan = vlanOf(found)
  const mark = ourMark(text(found, 'config.description'), connection.deployment)
  return {
    id: found.ref.id,
    ...(mark ? { mark } : {}),
    name: plainName(text(found, 'name') ?? ''),
    health: 'ready',
    // 0: it has none.
    ...(vlan ? { segmentationId: vlan } : {}),
  }
}

/** Every port group that cards can be plugged into. */
const everything = async (context: Context): Promise<Found[]> => {
  const { datacenter } = await inventoryOf(context)
  const found = await below(context.vim, datacenter.networkFolder, {
    Network: PLAIN,
    DistributedVirtualPortgroup: DISTRIBUTED,
  })
  // An uplink port group leads to the hosts' own cards.
  return found.filter((each) => text(each, 'config.uplink') !== 'true' && each.ref.type !== 'DistributedVirtualSwitch')
}

const raw = async ({ vim }: Context, id: NativeId): Promise<Found | null> => {
  const target = networkRef(id)
  try {
    return (await look(vim, [target], target.type === 'DistributedVirtualPortgroup' ? DISTRIBUTED : PLAIN))[0] ?? null
  } catch (error) {
    if (error instanceof CloudError && error.code === 'not_found') return null
    throw error
  }
}

/** What the operator lends instead of letting networks be made: the name or the id of a port group. */
const lentTo = ({ mapping, options }: Context): string | null => mapping.network ?? options.network

const lentOne = async (context: Context): Promise<NetworkSeen> => {
  const lent = lentTo(context)
  const found = (await everything(context)).find((each) => each.ref.id === lent || text(each, 'name') === lent)
  if (found) return seenOf(context, found)
  throw new CloudError('definitive', 'The project has no usable network on this cloud.', {
    operatorMessage: `There is no port group ${lent}.`,
  })
}

const find = async (context: Context, mark: Mark): Promise<NetworkSeen | null> => {
  const own = (await everything(context)).find(
    (each) => markIn(each)?.token === mark.token && markIn(each)?.deployment === mark.deployment,
  )
  if (own) return seenOf(context, own)
  return lentTo(context) === null ? null : lentOne(context)
}

/** The operator's distributed switch. */
const switchOf = async (context: Context): Promise<Ref> => {
  const wanted = context.options.switch?.name
  const { datacenter } = await inventoryOf(context)
  const all = await below(context.vim, datacenter.networkFolder, { DistributedVirtualSwitch: ['name'] })
  const found = all.find((each) => text(each, 'name') === wanted)
  if (found) return found.ref
  throw new CloudError('definitive', 'The cloud is not configured properly.', {
    operatorMessage: `There is no distributed switch ${wanted ?? ''}.`,
  })
}

/** Asks for a port group with a VLAN of its own; gives the task. */
const addPortGroup = async (context: Context, name: string, mark: Mark): Promise<Ref> => {
  const home = await switchOf(context)
  const all = await everything(context)
  const here = all.filter((each) => refAt(each, 'config.distributedVirtualSwitch')?.id === home.id)
  const taken = new Set(here.flatMap((each) => vlanOf(each) ?? []))
  const vlanId = await claimVlan(context, home.id, mark.token, taken)
  const no = { inherited: false, value: false }
  const answer = await context.vim.call(home, 'AddDVPortgroup_Task', {
    spec: {
      name: tokenName(name, mark.token),
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
  return taskIn(answer)
}

/** @throws `conflict` while anything is on the network */
const refuseInUse = async (context: Context, found: Found): Promise<void> => {
  const { id } = found.ref
  if (refsAt(found, 'vm').length > 0) throw new CloudError('conflict', 'The network still has servers.')
  if ((await subnetsPage(context, 1, { network: id })).length > 0)
    throw new CloudError('conflict', 'The network still has subnets.')
  for await (const record of allRecords(context)) {
    if (record.network === id) throw new CloudError('conflict', 'The network still has ports.')
  }
}

/** A port group as it would have been asked for, whoever made it. @throws `definitive` for one that carries no mark */
const readNetwork = (found: Found): Reading<NetworkSpec> => {
  if (found.ref.type !== 'DistributedVirtualPortgroup')
    refuse(
      'A port group of a standard switch exists on each host by itself and carries no mark; lend it with the option network.',
    )
  const vlan = vlanOf(found)
  const filters = childrenOf(found.props.get('config.defaultPortConfig'), 'filterPolicy')
  const left = [
    ...(vlan === null ? ['It carries several VLANs.'] : vlan > 0 ? [`It has VLAN ${vlan}.`] : []),
    ...(filters.some((each) => child(each, 'filterConfig')) ? ['It has traffic filters.'] : []),
  ]
  return reading({ name: plainName(text(found, 'name') ?? found.ref.id), cidrs: [] }, { left })
}

/**
 * A network is a port group: one of its own on the operator's distributed switch, with a VLAN of the operator's range,
 * or an existing one that is lent: nothing about it is changed and `remove` leaves it alone. The mark is in the
 * description, and names of port groups are unique in a datacenter.
 */
export const network = (context: Context): Realm<NetworkSpec, NetworkSeen> => {
  const { vim, options, connection } = context
  const run = async (found: Found, method: string, parameters: Record<string, Value> = {}): Promise<void> =>
    settled(context, taskIn(await vim.call(found.ref, method, parameters)))
  const records = {
    raw: (id: NativeId) => raw(context, id),
    markOf: markIn,
    one: (found: Found) => seenOf(context, found),
    find: (mark: Mark) => find(context, mark),
    list: async () => ({ items: (await everything(context)).map((each) => seenOf(context, each)), complete: true }),
    async remark(found: Found, mark: Mark | null) {
      const spec = {
        configVersion: text(found, 'config.configVersion'),
        description: withMark(text(found, 'config.description') ?? '', mark),
      }
      await run(found, 'ReconfigureDVPortgroup_Task', { spec })
    },
  }
  const realm = markedRealm<NetworkSpec, NetworkSeen, Found>(connection, records, {
    once: 'unique',
    settleMs: options.settleMs,
    async create(spec, mark) {
      const present = await find(context, mark)
      if (present) return present
      if (!options.switch) return refuse('Networks on this cloud are made by its operator.')
      return later(context, await addPortGroup(context, spec.name, mark), { mark: { ...mark } })
    },
    poll(task) {
      const kept = task as unknown as Kept<{ mark: Mark }>
      return made(context, kept, kept.mark.resource, { find: () => find(context, kept.mark) })
    },
    async update(found, spec) {
      // One that was adopted keeps the form of its name.
      const token = markIn(found)?.token ?? ''
      const now = text(found, 'name') ?? ''
      const name = now === plainName(now) ? spec.name : tokenName(spec.name, token)
      if (name !== now) await run(found, 'Rename_Task', { newName: name })
      const renamed = await raw(context, found.ref.id)
      if (!renamed) throw gone(found.ref.id)
      return seenOf(context, renamed)
    },
    async remove(found, mark) {
      await refuseInUse(context, found)
      // The claim first: as long as the port group is there, it shows itself that its VLAN is taken.
      const home = refAt(found, 'config.distributedVirtualSwitch')
      if (home) await releaseVlan(context, home.id, markIn(found)?.token ?? mark.token)
      await run(found, 'Destroy_Task')
    },
    read: readNetwork,
  })
  const isLent = async (id: NativeId) => lentTo(context) !== null && (await lentOne(context)).id === id
  return {
    ...exceptLent(realm, isLent, () => lentOne(context)),
    async mark(id, mark) {
      const { type } = networkRef(id)
      if (type !== 'DistributedVirtualPortgroup' && (await raw(context, id)))
        refuse('A port group of a standard switch carries no mark.')
      await realm.mark!(id, mark)
    },
  }
}
