import { beforeEach, describe, expect, it } from 'vitest'
import type { Mark, ServerGrouping } from '../../../adapters/contract.ts'
import { writeMark } from '../../../adapters/shared/mark-line.ts'
import { parseXml } from '../../../adapters/shared/xml.ts'
import { syncRules } from '../../../adapters/vsphere/compute/group-rule.ts'
import { joinGroup, takeSeat } from '../../../adapters/vsphere/compute/group-seats.ts'
import { serverGroup } from '../../../adapters/vsphere/compute/server-group.ts'
import type { Context } from '../../../adapters/vsphere/context.ts'
import { KEY } from '../../../adapters/vsphere/marks.ts'
import { changeGroup, type GroupRecord, groupOf, putGroup } from '../../../adapters/vsphere/records/group-record.ts'
import type { Machine } from '../../../adapters/vsphere/records/machine.ts'
import { envelope, type Ref, ref } from '../../../adapters/vsphere/wire/soap.ts'
import { MemoryStore } from '../../support/memory-store.ts'

const NOW = 1_800_000_000_000
const cluster = { name: 'one', ref: ref('ClusterComputeResource', 'domain-c1') }
const place = { cluster, folder: ref('Folder', 'group-v1') }
const group: ServerGrouping = { id: 'g1', policy: 'anti-affinity', mostPerHost: null, native: 'group-1' }
const record: GroupRecord = {
  id: 'group-1',
  name: 'g',
  policy: 'anti-affinity',
  mostPerHost: null,
  mark: '',
  seats: {},
}
const tokens = ['a', 'b', 'c'].map((letter) => `${letter.repeat(8)}-0000-4000-8000-000000000000`)

/** A vCenter with one cluster of three hosts, of which the last is in maintenance; what it is asked for is written down. */
const vcenter = () => {
  const asked: string[] = []
  const state = {
    now: NOW,
    rule: '',
    privileged: true,
    marked: true,
    hostOf: new Map<string, string>(),
    copied: new Set<string>(),
  }
  const property = (name: string, value: string, attributes = '') =>
    `<propSet><name>${name.replaceAll('"', '&quot;')}</name><val${attributes}>${value}</val></propSet>`
  const hosts: Record<string, [memory: number, maintenance: boolean]> = {
    'host-1': [900, false],
    'host-2': [100, false],
    'host-3': [0, true],
  }
  const properties = (type: string, id: string): string => {
    if (type === 'HostSystem')
      return (
        property('runtime.connectionState', 'connected') +
        property('runtime.inMaintenanceMode', String(hosts[id]![1])) +
        property('summary.quickStats.overallMemoryUsage', String(hosts[id]![0]))
      )
    if (type === 'VirtualMachine')
      return (
        property('name', id) +
        property('runtime.host', state.hostOf.get(id) ?? 'host-1', ' type="HostSystem"') +
        (state.marked ? property('config.extraConfig["plimsoll.mark"]', '<value>plimsoll d1</value>') : '')
      )
    if (type === 'Task') return property('info', '<state>success</state>')
    const all = Object.keys(hosts).map(
      (host) => `<ManagedObjectReference type="HostSystem">${host}</ManagedObjectReference>`,
    )
    return property('host', all.join('')) + property('configurationEx', state.rule)
  }
  const answers: Record<string, (parameters: Record<string, unknown>) => string> = {
    RetrievePropertiesEx: ({ specSet }) => {
      const objects = (specSet as { objectSet: { obj: Ref }[] }).objectSet.map(({ obj }) => obj)
      const found = objects.map(
        ({ type, id }) => `<objects><obj type="${type}">${id}</obj>${properties(type, id)}</objects>`,
      )
      return `<returnval>${found.join('')}</returnval>`
    },
    HasUserPrivilegeOnEntities: () =>
      `<returnval><privAvailability><privId>Host.Inventory.EditCluster</privId><isGranted>${state.privileged}</isGranted></privAvailability></returnval>`,
    FindByUuid: () => '',
    FindChild: ({ entity, name }) =>
      (entity as Ref).id === 'group-v1' && state.copied.has(String(name))
        ? '<returnval type="VirtualMachine">vm-7</returnval>'
        : '',
    ReconfigVM_Task: () => '<returnval type="Task">task-2</returnval>',
    ReconfigureComputeResource_Task: (parameters) => {
      const said = envelope('urn:vim25', 'ReconfigureComputeResource_Task', cluster.ref, parameters as never)
      asked.push(said.replace(/^.*<_this [^>]*>domain-c1<\/_this>|<\/ReconfigureComputeResource_Task>.*$/g, ''))
      const [, info = ''] = /<info[^>]*>(.*)<\/info>/.exec(said) ?? []
      state.rule = info ? `<rule><key>7</key>${info.replace(/<key>7<\/key>/, '')}</rule>` : ''
      return '<returnval type="Task">task-1</returnval>'
    },
  }
  const vim = {
    content: async () => ({
      properties: ref('PropertyCollector', 'p'),
      authorization: ref('AuthorizationManager', 'a'),
      search: ref('SearchIndex', 's'),
    }),
    user: async () => 'plimsoll',
    call: async (_: Ref, method: string, parameters: Record<string, unknown> = {}) =>
      parseXml(`<answer>${answers[method]!(parameters)}</answer>`),
  }
  const inventory = {
    datacenter: {},
    clusters: [{ ...cluster, pool: ref('ResourcePool', 'r') }],
    pools: [],
    folders: [],
    datastores: [],
  }
  const cache = new Map([['vsphere/inventory/c1', { value: inventory, until: Number.POSITIVE_INFINITY }]])
  const surroundings = { store: new MemoryStore(), cache, now: () => state.now, sleep: async () => {}, log: () => {} }
  const connection = { cloudId: 'c1', deployment: 'd1' }
  const context = { vim, surroundings, connection, options: {}, storePrefix: 'vsphere/x' } as unknown as Context
  return { context, asked, state }
}

const mark: Mark = {
  deployment: 'd1',
  project: 'p1',
  kind: 'server_group',
  resource: 'g1',
  token: tokens[0]!,
  epoch: 1,
}

let v: ReturnType<typeof vcenter>
beforeEach(() => {
  v = vcenter()
})
const seats = (given: Record<string, string | null>) =>
  Object.fromEntries(
    Object.entries(given).map(([token, machine]) => [token, { zone: 'one', host: 'host-1', machine, at: NOW }]),
  )

describe('a seat of a server in a group', () => {
  it('is the emptiest host that the group allows, the same for the same token, and capacity when none is left', async () => {
    await putGroup(v.context, record, 0)
    const hosts = [tokens[0]!, tokens[1]!, tokens[0]!].map(
      (token) => () => takeSeat(v.context, group, token, place, 'web'),
    )
    const taken: (string | undefined)[] = []
    for (const take of hosts) taken.push((await take())?.id)
    expect(taken).toEqual(['host-2', 'host-1', 'host-2'])
    await expect(takeSeat(v.context, group, tokens[2]!, place, 'web')).rejects.toMatchObject({ code: 'capacity' })
  })

  it('stays while the disks of its machine are copied, however long that takes, and is free again when none came', async () => {
    await putGroup(v.context, record, 0)
    for (const token of tokens.slice(0, 2)) await takeSeat(v.context, group, token, place, 'web')
    v.state.now += 3_600_000
    v.state.copied.add(`web (${tokens[0]})`)
    expect((await takeSeat(v.context, group, tokens[2]!, place, 'web'))?.id).toBe('host-1')
    await expect(takeSeat(v.context, group, tokens[1]!, place, 'web')).rejects.toMatchObject({ code: 'capacity' })
  })

  it('is taken again by a machine that came after it was given up', async () => {
    await putGroup(v.context, record, 0)
    const machine = {
      ref: ref('VirtualMachine', 'vm-1'),
      host: 'host-2',
      pool: ref('ResourcePool', 'r'),
      own: { [KEY.group]: 'group-1 joining', [KEY.mark]: writeMark({ ...mark, kind: 'server', token: tokens[1]! }) },
    } as unknown as Machine
    await joinGroup(v.context, machine)
    expect((await groupOf(v.context, 'group-1'))!.record.seats).toEqual({
      [tokens[1]!]: { zone: 'one', host: 'host-2', machine: 'vm-1', at: NOW },
    })
  })

  it('is never given twice, however many ask at once', async () => {
    await putGroup(v.context, record, 0)
    const both = await Promise.all(tokens.slice(0, 2).map((token) => takeSeat(v.context, group, token, place, 'web')))
    expect(new Set(both.map((host) => host?.id)).size).toBe(2)
  })

  it('is beside the others of a group that is on one host, wherever vCenter has moved them since', async () => {
    const together = { ...group, policy: 'affinity' as const }
    await putGroup(v.context, { ...record, policy: 'affinity', seats: seats({ [tokens[0]!]: 'vm-1' }) }, 0)
    v.state.hostOf.set('vm-1', 'host-1')
    expect((await takeSeat(v.context, together, tokens[1]!, place, 'web'))?.id).toBe('host-1')
  })

  it('is none for a soft policy, and denied to a user who may tell clusters no rules', async () => {
    await putGroup(v.context, record, 0)
    expect(await takeSeat(v.context, { ...group, policy: 'soft-anti-affinity' }, tokens[0]!, place, 'web')).toBeNull()
    v.state.privileged = false
    await expect(takeSeat(v.context, group, tokens[0]!, place, 'web')).rejects.toMatchObject({ code: 'denied' })
  })
})

describe('the rule of a cluster', () => {
  it('names the machines of the group in the words of the schema, from the second on, and goes with the last but one', async () => {
    await putGroup(v.context, { ...record, seats: seats({ [tokens[0]!]: 'vm-1' }) }, 0)
    await syncRules(v.context, record)
    expect(v.asked).toEqual([])
    await changeGroup(v.context, 'group-1', (now) => ({
      ...now,
      seats: seats({ [tokens[0]!]: 'vm-1', [tokens[1]!]: 'vm-2' }),
    }))
    await syncRules(v.context, record)
    const machines = '<vm type="VirtualMachine">vm-1</vm><vm type="VirtualMachine">vm-2</vm>'
    const told = `<enabled>true</enabled><name>plimsoll group-1</name>${machines}`
    expect(v.asked).toEqual([
      `<spec xsi:type="ClusterConfigSpecEx"><rulesSpec><operation>add</operation><info xsi:type="ClusterAntiAffinityRuleSpec">${told}</info></rulesSpec></spec><modify>true</modify>`,
    ])
    await syncRules(v.context, record)
    expect(v.asked).toHaveLength(1)
    await changeGroup(v.context, 'group-1', (now) => ({ ...now, seats: {} }))
    await syncRules(v.context, record)
    expect(v.asked[1]).toBe(
      '<spec xsi:type="ClusterConfigSpecEx"><rulesSpec><operation>remove</operation><removeKey xsi:type="xsd:int">7</removeKey></rulesSpec></spec><modify>true</modify>',
    )
  })
})

describe('a group', () => {
  it('stays while it has servers, and goes with its rules', async () => {
    const realm = serverGroup(v.context)
    const { id } = (await realm.create({ name: 'g', policy: 'anti-affinity', mostPerHost: null }, mark)) as {
      id: string
    }
    await changeGroup(v.context, id, (now) => ({ ...now, seats: seats({ [tokens[1]!]: 'vm-1' }) }))
    await expect(realm.remove(id, mark)).rejects.toMatchObject({ code: 'conflict' })
    // Handed back: it is no server of ours any more.
    v.state.marked = false
    await realm.remove(id, mark)
    expect(await groupOf(v.context, id)).toBeNull()
  })
})
