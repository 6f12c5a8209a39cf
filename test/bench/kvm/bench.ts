import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Cloud, Kind, Realm } from '../../../adapters/contract.ts'
import { KINDS } from '../../../adapters/contract.ts'
import { readOptions } from '../../../adapters/libvirt/options.ts'
import { fewAtATime } from '../../../adapters/libvirt/records/few.ts'
import { onHost } from '../../../adapters/libvirt/wire/host.ts'
import { DOMAIN_XML, LIST_DOMAINS } from '../../../adapters/libvirt/wire/procedures.ts'
import { connectCloud } from '../../../functions/broker/clouds/clouds.ts'
import { reconcile } from '../../../functions/broker/reconcile/reconcile.ts'
import { blankImage } from '../../peers/libvirt/blank.ts'
import { type Libvirtd, lacking, launch } from '../../peers/libvirt/launch.ts'
import { type Broker, openBroker } from '../broker.ts'
import { median } from '../load.ts'
import { printColumns } from '../table.ts'
import { type Traffic, Wire } from './wire.ts'

const DOMAINS = Number(process.env.BENCH_MACHINES ?? 300)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const CREATES = 10
const CLOUD = 'rack'
/** More than a minute: every unit is due again. */
const A_MINUTE = 61_000
/** How often it is asked whether a server is there, in milliseconds. */
const LOOK_MS = 5

/** A KVM host of 300 machines, each with a disk and a card, listed and swept; and servers made there: `npm run bench -- kvm`. */
export const benchKvm = async (): Promise<number> => {
  const lack = await lacking()
  if (lack) {
    console.log(`skipped: ${lack}`)
    return 0
  }
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-kvm-'))
  const host = await launch()
  try {
    await define(host, folder)
    const wire = new Wire()
    const options = {
      hosts: [{ name: 'kvm1', uri: host.uri }],
      sizes: [{ name: 'k.tiny', vcpus: 1, ram_mib: 64, disk_gib: 1 }],
      overcommit: { vcpus: 64, ram: 64 },
      shutdown_seconds: 0,
      allow_private: true,
    }
    const cloud = { name: CLOUD, type: 'libvirt', endpoint: null, credentials: {}, options }
    const broker = await openBroker(folder, { dial: wire.dial }, cloud)
    try {
      const missed = [...(await sweeps(broker, wire, options)), ...(await creates(broker, wire))]
      for (const [what, met, value] of missed) console.log(`${met ? 'met   ' : 'MISSED'}  ${what}: ${value}`)
      return missed.filter(([, met]) => !met).length
    } finally {
      await broker.close()
    }
  } finally {
    await host.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

type Targets = [what: string, met: boolean, value: string][]

/** Machines as somebody else made them, none of which runs. */
const define = async ({ virsh, pool }: Libvirtd, folder: string): Promise<void> => {
  const commands: string[] = []
  for (let i = 0; i < DOMAINS; i++) {
    const mac = `52:54:00:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 255).toString(16).padStart(2, '0')}`
    const file = join(folder, `m${i}.xml`)
    await writeFile(
      file,
      `<domain type="qemu"><name>m${i}</name><memory unit="MiB">16</memory><vcpu>1</vcpu>
      <os><type arch="x86_64" machine="pc">hvm</type></os><devices>
      <disk type="volume" device="disk"><driver name="qemu" type="raw"/><source pool="${pool}" volume="m${i}"/><target dev="vda" bus="virtio"/></disk>
      <interface type="network"><mac address="${mac}"/><source network="default"/><model type="virtio"/></interface></devices></domain>`,
    )
    commands.push(`vol-create-as ${pool} m${i} 1M --format raw`, `define ${file}`)
  }
  for (let i = 0; i < commands.length; i += 100) await virsh(commands.slice(i, i + 100).join('; '))
}

const list = async (cloud: Cloud, kind: Kind): Promise<number> =>
  (await (cloud[kind] as Realm<unknown>).list()).items.length

const typical = (all: Traffic[]): Traffic => {
  const middle = median(all.map(({ ms }) => ms))
  return all.find(({ ms }) => ms === middle)!
}
const cells = ({ lines, calls, received, ms, cloudMs, cpuMs }: Traffic): string[] => [
  String(lines),
  String(calls),
  (received / 1e3).toFixed(0),
  ms.toFixed(0),
  cloudMs.toFixed(0),
  cpuMs.toFixed(0),
]
const HEADS = ['lines', 'calls', 'kB in', 'ms', 'host ms', 'cpu ms']

/** Whatever is taken over is counted, and there are limits. */
const unlimited = async ({ admin, demo }: Broker): Promise<void> => {
  const of = `os-quota-sets/${demo.projectId}`
  for (const [path, body] of [
    [`/compute/v2.1/${of}`, { quota_set: { instances: -1, cores: -1, ram: -1 } }],
    [`/volume/v3/${admin.projectId}/${of}`, { quota_set: { volumes: -1, gigabytes: -1 } }],
    [`/network/v2.0/quotas/${demo.projectId}`, { quota: { port: -1 } }],
  ] as const)
    await admin.must('PUT', path, body)
}

const sweeps = async (broker: Broker, wire: Wire, given: object): Promise<Targets> => {
  const { admin, demo, context, cloudId, meter } = broker
  await unlimited(broker)
  let adopted = 0
  for (let marker: string | undefined, more = true; more; more = marker !== undefined) {
    const wish = { cloud: CLOUD, project_id: demo.projectId, all: true, ...(marker ? { marker } : {}) }
    const answer = await admin.must('POST', '/broker/v1/adopt', wish)
    adopted += answer.adopted.filter(({ kind }: { kind: string }) => kind === 'server').length
    marker = answer.next ?? undefined
  }
  if (adopted !== DOMAINS) throw new Error(`${adopted} of ${DOMAINS} machines are adopted`)
  const { cloud, connection } = await connectCloud(context, cloudId, demo.projectId)
  const { options } = readOptions(given as never)
  const surroundings = { ...broker.host, store: broker.host.cloudState, timeoutMs: 60_000, cache: new Map() }
  const dial = (to: Parameters<typeof wire.dial>[0]) => wire.dial(to, null, () => false)
  const bare = () =>
    onHost({ connection, options, surroundings: { ...surroundings, dial } as never }, options.hosts[0]!, async (on) => {
      const { items } = await on.call(LIST_DOMAINS, { wanted: 1, flags: 0 })
      return fewAtATime(items, (domain) => on.call(DOMAIN_XML, { domain, flags: 0 }))
    })
  const sweep = async () => {
    broker.later(A_MINUTE)
    const reports = await reconcile(context, Number.POSITIVE_INFINITY)
    const bad = reports.find(({ error, complete, changed, missing }) => error || !complete || changed || missing)
    const known = reports.find(({ kind }) => kind === 'server')?.known
    if (bad || known !== DOMAINS) throw new Error(`not a quiet sweep: ${JSON.stringify(bad ?? { known })}`)
  }
  // What was just adopted is looked at once more.
  for (let i = 0; i < 3; i++) await broker.settle()
  await sweep()
  const [alone, servers, accounts] = [[] as Traffic[], [] as Traffic[], [] as Traffic[]]
  let statements = 0
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await wire.of(bare))
    servers.push(await wire.of(() => list(cloud, 'server')))
    const cost = await meter.of(async () => {
      accounts.push(await wire.of(sweep))
    })
    statements = cost.statements
  }
  const kinds: string[][] = []
  for (const kind of KINDS.filter((each) => cloud[each])) {
    let listed = 0
    const traffic = await wire.of(async () => {
      listed = await list(cloud, kind)
    })
    kinds.push([`  ${kind}: ${listed}`, ...cells(traffic)])
  }
  printColumns([
    [`${DOMAINS} machines`, ...HEADS],
    ['bare: all domains and the XML of each, unread', ...cells(typical(alone))],
    ['server.list', ...cells(typical(servers))],
    ...kinds,
    ['the account, swept by the broker', ...cells(typical(accounts))],
  ])
  console.log(`  a quiet sweep: ${statements} statements\n`)
  const perMachine = typical(servers).calls / DOMAINS
  return [
    ['servers are listed with at most 6 calls a machine', perMachine <= 6, perMachine.toFixed(2)],
    [
      'no machine costs a statement: statements < 30 + machines / 10',
      statements < 30 + DOMAINS / 10,
      String(statements),
    ],
  ]
}

/** Servers made one after the other, from the request to ACTIVE, and what of that is not the host's. */
const creates = async (broker: Broker, wire: Wire): Promise<Targets> => {
  const { admin, demo } = broker
  // What is ours is promised its room, running or not.
  await admin.must('POST', '/broker/v1/release', { cloud: CLOUD, project_id: demo.projectId })
  const imageRef = await blankImage(demo, async (path, body) => {
    const headers = { 'X-Auth-Token': demo.token, 'Content-Type': 'application/octet-stream' }
    return (await fetch(broker.url + path, { method: 'PUT', headers, body })).status
  })
  const { flavors } = await demo.must('GET', '/compute/v2.1/flavors')
  const flavorRef = flavors.find(({ name }: { name: string }) => name === 'k.tiny').id
  const made: (Traffic & { answered: number })[] = []
  for (let round = 0; round <= CREATES; round++) {
    const started = performance.now()
    let answered = 0
    const wish = { name: `s${round}`, imageRef, flavorRef, availability_zone: `${CLOUD}.kvm1` }
    const traffic = await wire.of(async () => {
      const { server } = await demo.must('POST', '/compute/v2.1/servers', { server: wish })
      answered = performance.now() - started
      for (const until = Date.now() + 60_000; Date.now() < until; await pause(LOOK_MS)) {
        const { status, fault } = (await demo.must('GET', `/compute/v2.1/servers/${server.id}`)).server
        if (status === 'ACTIVE') return
        if (status === 'ERROR') throw new Error(`the server failed: ${JSON.stringify(fault)}`)
      }
      throw new Error('the server does not become ACTIVE')
    })
    // The first asks QEMU what it can.
    if (round > 0) made.push({ ...traffic, answered })
  }
  const of = (value: (each: Traffic & { answered: number }) => number) => median(made.map(value))
  const own = of(({ ms, cloudMs }) => ms - cloudMs)
  printColumns([
    [`a server, median of ${CREATES}`, ...HEADS],
    ['POST /servers answered', '', '', '', of(({ answered }) => answered).toFixed(0), '', ''],
    ['ACTIVE', ...cells(typical(made))],
    ['of that not the host', '', '', '', own.toFixed(0), '', ''],
  ])
  console.log()
  return [['a server costs the broker less than a quarter of a second', own < 250, `${own.toFixed(0)} ms`]]
}
