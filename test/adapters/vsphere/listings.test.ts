import { expect, it } from 'vitest'
import type { Cloud, Kind, Mark, Page, Realm, Seen } from '../../../adapters/contract.ts'
import { writeMark } from '../../../adapters/shared/mark-line.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { KEY } from '../../../adapters/vsphere/marks.ts'
import { type PortRecord, writeTable } from '../../../adapters/vsphere/records/port-record.ts'
import { type Asked, connection, fake } from './fake.ts'
import { returned } from './scene.ts'

const PREFIX = 'vsphere/vc.example'
const NETWORK = 'dvportgroup-1'
const MACHINES = 600
/** Pages that a listing of so many machines has. */
const PAGES = 3

const macOf = (n: number) =>
  `02:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`
const markOf = (kind: Kind, resource: string): Mark => ({
  deployment: 'd1',
  project: 'p',
  kind,
  resource,
  token: resource,
  epoch: 1,
})
const record = (n: number, change: Partial<PortRecord> = {}): PortRecord => ({
  id: `${NETWORK}/${macOf(n)}`,
  network: NETWORK,
  mac: macOf(n),
  name: `port-${n}`,
  addresses: [],
  mark: writeMark(markOf('port', `port-${n}`)),
  holder: `uuid-${n}`,
  ...change,
})

const prop = (name: string, val: string) =>
  `<propSet><name>${name.replaceAll('"', '&quot;')}</name><val>${val}</val></propSet>`
const setting = (key: string, value: string) =>
  prop(`config.extraConfig["${key}"]`, `<key>${key}</key><value>${value.replaceAll('"', '&quot;')}</value>`)

/** A vCenter with many machines, each with a disk and a card that is a port of ours. */
const estate = async () => {
  const machines = new Map(
    Array.from({ length: MACHINES }, (_, n) => [`vm-${n}`, { n, power: 'poweredOn', card: true }]),
  )
  const describe = (id: string): string => {
    const { n, power, card } = machines.get(id)!
    const backing = `<backing><port><portgroupKey>${NETWORK}</portgroupKey></port></backing>`
    const devices = `<device xsi:type="VirtualDisk"><key>2000</key><capacityInKB>1024</capacityInKB><vDiskId><id>disk-${n}</id></vDiskId></device>${
      card
        ? `<device xsi:type="VirtualVmxnet3"><key>4000</key>${backing}<macAddress>${macOf(n)}</macAddress></device>`
        : ''
    }`
    const hardware = `<numCPU>1</numCPU><memoryMB>512</memoryMB>${devices}`
    return `<objects><obj type="VirtualMachine">${id}</obj>${prop('name', id)}${prop('config.template', 'false')}${prop('config.instanceUuid', `uuid-${n}`)}${prop('config.uuid', `bios-${n}`)}${prop('config.hardware', hardware)}${prop('runtime.powerState', power)}${setting(KEY.mark, writeMark(markOf('server', `server-${n}`)))}${setting(KEY.ports, writeTable([record(n)]))}</objects>`
  }
  const collect = (body: string): string => {
    if (body.includes('<type>Datacenter</type>'))
      return `<objects><obj type="Datacenter">dc</obj>${prop('name', 'DC')}<propSet><name>vmFolder</name><val type="Folder">group-v3</val></propSet></objects>`
    if (!body.includes('<type>VirtualMachine</type>')) return ''
    const named = [...body.matchAll(/<obj type="VirtualMachine">([^<]+)/g)].map(([, id]) => id!)
    const shown = body.includes('TraversalSpec') ? [...machines.keys()] : named.filter((id) => machines.has(id))
    return shown.map(describe).join('')
  }
  const { asked, surroundings } = fake(({ method, body }: Asked) => {
    if (method === 'CreateContainerView') return returned(method, 'view-1', ' type="ContainerView"')
    if (method === 'FindByUuid') {
      const uuid = /<uuid>([^<]+)/.exec(body)?.[1]
      const found = [...machines].find(([, { n }]) => [`uuid-${n}`, `bios-${n}`].includes(uuid ?? ''))
      return found ? returned(method, found[0], ' type="VirtualMachine"') : `<${method}Response/>`
    }
    return method === 'RetrievePropertiesEx' ? returned(method, collect(body)) : `<${method}Response/>`
  })
  let now = 1_800_000_000_000
  const connect = () => vsphere.connect(connection(), { ...surroundings, cache: new Map(), now: () => now })
  for (let n = 0; n < MACHINES; n++)
    await surroundings.store.put(`${PREFIX}/port/${NETWORK}/${macOf(n)}`, { ...record(n) }, 0)
  return {
    machines,
    store: surroundings.store,
    connect,
    cloud: connect(),
    advance: (ms: number) => {
      now += ms
    },
    now: () => now,
    /** Questions since the last time, and those of them that read machines with all their devices. */
    questions: () => {
      const all = asked.splice(0)
      const whole = all.filter(
        ({ method, body }) => method === 'RetrievePropertiesEx' && body.includes('>config.hardware<'),
      )
      return {
        all: all.length,
        whole: whole.length,
        byUuid: all.filter(({ method }) => method === 'FindByUuid').length,
      }
    },
  }
}

const list = async (cloud: Cloud, kind: Kind, { since, from }: { since?: number; from?: string } = {}) => {
  const pages: Page<Seen>[] = []
  let cursor = from
  do {
    const page = await (cloud[kind] as Realm<unknown>).list(cursor, since)
    pages.push(page)
    cursor = page.next
  } while (cursor !== undefined)
  return pages
}
const itemsOf = (pages: Page<Seen>[]) => pages.flatMap(({ items }) => items)

it('all that one sweep lists of machines is read from vCenter once', async () => {
  const { cloud, questions, now } = await estate()
  const since = now()
  for (const kind of ['port', 'server', 'attachment', 'interface'] as const)
    expect(itemsOf(await list(cloud, kind, { since })), kind).toHaveLength(MACHINES)
  expect(questions().whole).toBe(PAGES)
})

it('a listing that shows what another has read says how old that is', async () => {
  const { cloud, advance, now } = await estate()
  const since = now()
  await list(cloud, 'server', { since })
  advance(20_000)
  for (const page of await list(cloud, 'interface', { since })) expect(page).toMatchObject({ seenAt: since })
})

it('nothing is shared with the next sweep, nor with one that lists by itself', async () => {
  const { cloud, machines, advance, now, questions } = await estate()
  await list(cloud, 'server', { since: now() })
  machines.delete('vm-7')
  advance(1)
  questions()
  const [alone] = await list(cloud, 'attachment')
  expect(alone).not.toHaveProperty('seenAt')
  expect(itemsOf(await list(cloud, 'interface', { since: now() }))).toHaveLength(MACHINES - 1)
  expect(questions().whole).toBe(2 * PAGES)
})

it('whoever lists again sees the machines as they are now', async () => {
  const { cloud, machines, now } = await estate()
  const since = now()
  const power = async () => itemsOf(await list(cloud, 'server', { since }))[7]
  expect(await power()).toMatchObject({ id: 'vm-7', power: 'running' })
  machines.get('vm-7')!.power = 'poweredOff'
  expect(await power()).toMatchObject({ id: 'vm-7', power: 'stopped' })
})

it('every port is listed once, in a machine or in none, and none is asked for by itself', async () => {
  const { cloud, store, machines, questions } = await estate()
  machines.get('vm-7')!.card = false
  await store.put(`${PREFIX}/port/${NETWORK}/${macOf(5_000)}`, { ...record(5_000, { holder: null }) }, 0)
  const ports = itemsOf(await list(cloud, 'port'))
  expect(new Set(ports.map(({ id }) => id)).size).toBe(MACHINES + 1)
  expect(ports).toHaveLength(MACHINES + 1)
  const free = ports.filter((port) => (port as Seen & { server: string | null }).server === null)
  expect(free.map(({ id }) => id)).toEqual([record(7).id, record(5_000).id])
  expect(questions()).toMatchObject({ byUuid: 0 })
})

it('a listing of ports goes on in another process, which asks for no port by itself either', async () => {
  const { cloud, connect, machines, questions } = await estate()
  machines.get('vm-7')!.card = false
  const cards = await list(cloud, 'port')
  const after = cards.findIndex(({ next }) => next === '+')
  questions()
  expect(itemsOf(await list(connect(), 'port', { from: cards[after]!.next! })).map(({ id }) => id)).toEqual([
    record(7).id,
  ])
  const { byUuid, all } = questions()
  expect(byUuid).toBe(0)
  expect(all).toBeLessThan(20)
})

it('a port whose server is younger than the look is looked for by itself', async () => {
  const { cloud, store, machines, questions, now } = await estate()
  const since = now()
  await list(cloud, 'server', { since })
  machines.set('vm-5000', { n: 5_000, power: 'poweredOn', card: true })
  await store.put(`${PREFIX}/port/${NETWORK}/${macOf(5_000)}`, { ...record(5_000) }, 0)
  questions()
  const ports = itemsOf(await list(cloud, 'port', { since }))
  expect(ports.find(({ id }) => id === record(5_000).id)).toMatchObject({ server: 'vm-5000' })
  expect(questions()).toMatchObject({ byUuid: 1, whole: 1 })
})

it('a store that was lost gets back what the machines know, but nothing that they know no more', async () => {
  const { cloud, store, machines, now } = await estate()
  const since = now()
  await list(cloud, 'server', { since })
  const key = (n: number) => `${PREFIX}/port/${NETWORK}/${macOf(n)}`
  await store.delete(key(7))
  await store.delete(key(8))
  machines.delete('vm-8')
  await list(cloud, 'port', { since })
  expect((await store.get(key(7)))?.value).toMatchObject({ name: 'port-7', holder: 'uuid-7' })
  expect(await store.get(key(8))).toBeNull()
})
