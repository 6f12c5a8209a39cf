import type { Cloud, Kind, Mark } from '../../../adapters/contract.ts'
import { isTask } from '../../../adapters/contract.ts'
import { callLog, disown, recall } from '../../../adapters/sandbox/backdoor.ts'
import { sandbox } from '../../../adapters/sandbox/index.ts'
import type { Stored } from '../../../adapters/sandbox/records/entities.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { MemoryBlobs } from '../../support/memory-blobs.ts'

const CLOUD = { name: 'sandbox', type: 'sandbox', options: { log_calls: 5_000 } }

/** A cloud on which somebody else works, and nobody of us yet. */
export const newEstate = async (options: Record<string, unknown> = {}) => {
  const plimsoll = await startPlimsoll({ clouds: [{ ...CLOUD, options: { ...CLOUD.options, ...options } }] })
  return { plimsoll, ...strangerOn(plimsoll) }
}

/** Somebody with an account on the same cloud, whose objects carry no mark. */
export const strangerOn = (plimsoll: Plimsoll) => {
  const { host, cloudId, clock } = plimsoll
  const id = cloudId('sandbox')
  const cloud: Cloud = sandbox.connect(
    {
      cloudId: id,
      name: 'sandbox',
      endpoint: null,
      region: null,
      options: CLOUD.options,
      credentials: {},
      mapping: {},
      deployment: 'somebody-else',
    },
    {
      blobs: new MemoryBlobs(),
      fetch: host.fetch,
      now: () => clock.now,
      sleep: host.sleep,
      store: host.cloudState,
      cache: new Map(),
      log: () => {},
      timeoutMs: 10_000,
      runtime: 'node',
    },
  )
  const make = async (kind: Kind, spec: unknown): Promise<string> => {
    const uuid = () => crypto.randomUUID()
    const mark: Mark = { deployment: 'somebody-else', project: '', kind, resource: uuid(), token: uuid(), epoch: 1 }
    // biome-ignore lint/suspicious/noExplicitAny: a spec of whatever kind
    const made = await (cloud[kind] as any).create(spec, mark)
    if (isTask(made)) throw new Error('a task')
    clock.advance(5_000)
    return made.id
  }
  const strip = async (kind: Stored, ...ids: string[]) => {
    for (const each of ids) await disown(host.cloudState, id, kind, each, null)
  }
  let hosts = 20
  const network = async (name = 'vpc', cidr = '10.9.0.0/24') => {
    const net = await make('network', { name, cidrs: [cidr] })
    const gateway = cidr.replace(/\.0\/24$/, '.1')
    const subnet = await make('subnet', {
      name: `${name}-a`,
      network: net,
      cidr,
      gateway,
      zone: 'a',
      dhcp: true,
      dnsServers: [],
    })
    const group = async (group: string, rules: unknown[]) =>
      make('security_group', { name: group, description: 'theirs', network: net, rules })
    const any = { protocol: null, min: null, max: null, cidr: null, group: null }
    const web = await group('web', [
      { direction: 'egress', family: 4, ...any },
      { direction: 'ingress', family: 4, protocol: 'tcp', min: 443, max: 443, cidr: '192.0.2.0/24', group: null },
      { direction: 'ingress', family: 4, ...any, group: 'self' },
    ])
    const db = await group('db', [
      { direction: 'ingress', family: 4, protocol: 'tcp', min: 5432, max: 5432, cidr: null, group: web },
    ])
    return { net, subnet, web, db, cidr }
  }
  type Net = Awaited<ReturnType<typeof network>>
  /** A machine with one port, in both groups, and a volume. Strips its marks and those of what it stands on. */
  const server = async (on: Net, name = 'legacy') => {
    const address = on.cidr.replace(/0\/24$/, String(hosts++))
    const mac = `02:00:00:00:00:${hosts.toString(16).padStart(2, '0')}`
    const port = await make('port', {
      name: `${name}-eth0`,
      network: on.net,
      addresses: [{ subnet: on.subnet, address }],
      mac,
      securityGroups: [on.web, on.db],
      portSecurity: true,
    })
    const machine = await make('server', {
      name,
      size: { native: 'sb.small', vcpus: 1, ramMiB: 2048, diskGiB: 10 },
      image: 'sbx-img-sandbox-linux',
      zone: 'a',
      ports: [port],
      keypair: null,
      publicKey: null,
      userData: null,
      metadata: { team: 'blue' },
      configDrive: false,
    })
    const volume = await make('volume', { name: `${name}-data`, sizeGiB: 7, zone: 'a', type: null, source: null })
    await make('attachment', { server: machine, volume, device: '/dev/vdb' })
    await strip('network', on.net)
    await strip('subnet', on.subnet)
    await strip('security_group', on.web, on.db)
    await strip('port', port)
    await strip('server', machine)
    await strip('volume', volume)
    return { machine, port, volume, address, mac, ...on }
  }
  const last = async () => (await callLog(host.cloudState, id)).at(-1)?.n ?? 0
  /** Calls since then that may change something, as `kind.method`. */
  const changesSince = async (n: number): Promise<string[]> =>
    (await callLog(host.cloudState, id))
      .filter((call) => call.n > n && !/\.(get|find|list|read|catalog|consoleLog)$|^cloud\./.test(call.method))
      .map(({ method }) => method)
  return {
    cloud,
    make,
    strip,
    network,
    server,
    last,
    changesSince,
    recall: <K extends Stored>(kind: K, each: string) => recall(host.cloudState, id, kind, each),
  }
}
export type Estate = Awaited<ReturnType<typeof newEstate>>
