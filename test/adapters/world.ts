import { expect } from 'vitest'
import {
  type Adapter,
  type BandwidthLimit,
  type Cloud,
  type Connection,
  isTask,
  type Kind,
  type Mark,
  type NativeId,
  type Outcome,
  type Page,
  type Realm,
  type SecurityRule,
  type Seen,
  type ServerSpec,
  type Size,
  type Surroundings,
} from '../../adapters/contract.ts'
import { CloudError, type CloudErrorCode } from '../../adapters/errors.ts'
import type { BlobStore } from '../../functions/context.ts'

/** One connected cloud, as the cases find it. */
export interface World {
  cloud: Cloud
  adapter: Adapter
  connection: Connection
  surroundings: Surroundings
  /** What `surroundings` reads uploaded data from. */
  blobs: BlobStore
  /** Lets time pass: moves a clock that stands, or waits. */
  advance(ms: number): Promise<void>
  fixtures: {
    zone: string
    size: Size
    /** Another size that a server of `size` can become. */
    otherSize?: Size
    image: NativeId
    /** An IPv4 network of at least 64 addresses that networks of this cloud may have. */
    cidr: string
    volumeGiB?: number
    /** Data of an image that servers boot from, where the cloud looks into what it is given. Absent: a disk with a real head alone. */
    disk?: { format: string; bytes: Uint8Array<ArrayBuffer> }
  }
  /** The rules that a security group has on the cloud, `self` for its own id. */
  rules?(group: NativeId): Promise<SecurityRule[]>
  /** Whether everything passes a port, whatever it is sent: nothing is filtered, and no address is checked. */
  passes?(port: NativeId): Promise<boolean>
  /** Whether a port may speak with an address that is not its own. */
  speaks?(port: NativeId, address: string): Promise<boolean>
  /** The limits of what passes a port, as the cloud has them. */
  limits?(port: NativeId): Promise<BandwidthLimit[]>
  /** The options of DHCP of a port, as the cloud has them. */
  tells?(port: NativeId): Promise<object[]>
  /** Takes the mark off an object, as somebody with the cloud's own console would; the answer puts it back. */
  disown?(kind: Kind, id: NativeId): Promise<() => Promise<void>>
  /** Says that it is about to take back a server that was bought as spot, as the cloud itself does. Absent: it says nothing before. */
  announce?(id: NativeId): Promise<void>
  /** Takes back a server that was bought as spot, as the cloud itself does. Absent: it sells none. */
  reclaim?(id: NativeId): Promise<void>
  close?(): Promise<void>
}

export const PUBLIC_KEY =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6XHBU2Zc0mD3nSbqN1oUuq2yHfE1tT1wWv5gq0m8aB operator@example'

/** What the cases need of a realm of any kind. */
// biome-ignore lint/suspicious/noExplicitAny: a story for every kind cannot know the specification of each
export type AnyRealm = Realm<any, Seen>

const TRIES = 120
const STEP_MS = 500
/** As the broker asks for a removal again after some 15 seconds. */
const LOOKS_A_REMOVAL = 30

/** Asks until `done`, and lets time pass in between. */
export async function until<T>(
  world: World,
  what: string,
  ask: () => Promise<T>,
  done: (answer: T) => boolean,
): Promise<T> {
  for (let i = 0; i < TRIES; i++) {
    const answer = await ask()
    if (done(answer)) return answer
    await world.advance(STEP_MS)
  }
  throw new Error(`${what} did not come about within ${TRIES} tries of ${STEP_MS} ms`)
}

/** Expects an error of the closed set, with one of these codes and words for the user. */
export async function refused(call: Promise<unknown>, ...codes: CloudErrorCode[]): Promise<CloudError> {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error, 'the call must be refused').toBeInstanceOf(CloudError)
  const { code, message } = error as CloudError
  expect(codes, message).toContain(code)
  expect(message.length).toBeGreaterThan(5)
  return error as CloudError
}

/** Makes objects for a case with everything that they stand on, and takes all of it away again. */
export class Workshop {
  readonly world: World
  readonly #made: { kind: Kind; id: NativeId; mark: Mark }[] = []
  readonly #shared = new Map<string, Promise<Seen>>()
  #hosts = 20

  constructor(world: World) {
    this.world = world
  }

  mark(kind: Kind): Mark {
    const uuid = () => crypto.randomUUID()
    const { deployment } = this.world.connection
    return { deployment, project: uuid(), kind, resource: uuid(), token: uuid(), epoch: 1 }
  }

  realm(kind: Kind): AnyRealm {
    const realm = this.world.cloud[kind]
    if (!realm) throw new Error(`the cloud has no ${kind}`)
    return realm as AnyRealm
  }

  /** Follows a task to its end. */
  async settled<S extends Seen>(kind: Kind, outcome: Outcome<S>): Promise<S> {
    let now: Outcome<Seen> = outcome
    const { poll } = this.realm(kind)
    await until(
      this.world,
      `the end of a task of ${kind}`,
      async () => {
        if (isTask(now)) now = (await poll?.(JSON.parse(JSON.stringify(now.task)))) ?? now
        return now
      },
      (answer) => !isTask(answer),
    )
    return now as S
  }

  async ready<S extends Seen>(kind: Kind, id: NativeId): Promise<S> {
    const done = (seen: Seen | null) => seen !== null && seen.health !== 'pending'
    const seen = await until(this.world, `${kind} ready`, () => this.realm(kind).get(id), done)
    expect(seen?.fault).toBeUndefined()
    expect(seen?.health).toBe('ready')
    return seen as S
  }

  /** Creates, waits until it is ready, and remembers to remove it. */
  async make<S extends Seen>(kind: Kind, spec: unknown, mark: Mark = this.mark(kind)): Promise<S> {
    const asked = () => this.realm(kind).create(JSON.parse(JSON.stringify(spec)), mark)
    const { id } = await this.settled(kind, await this.patient(asked))
    this.keep(kind, id, mark)
    return this.ready<S>(kind, id)
  }

  keep(kind: Kind, id: NativeId, mark: Mark): void {
    this.#made.push({ kind, id, mark })
  }

  /** The mark that an object of this workshop was made with. */
  markOf(id: NativeId): Mark {
    const made = this.#made.find((each) => each.id === id)
    if (!made) throw new Error(`${id} was not made here`)
    return made.mark
  }

  /** Repeats what is in the way of something else for a while, as the broker does. */
  async patient<T>(call: () => Promise<T>): Promise<T> {
    let error: unknown
    for (let i = 0; i < TRIES; i++) {
      try {
        return await call()
      } catch (thrown) {
        if (!(thrown instanceof CloudError) || !['conflict', 'throttled'].includes(thrown.code)) throw thrown
        error = thrown
        await this.world.advance(STEP_MS)
      }
    }
    throw error
  }

  /** Removes, and asks for it again now and then as the broker does, until the cloud says that it is gone. */
  async remove(kind: Kind, id: NativeId, mark: Mark): Promise<void> {
    const gone = (seen: Seen | null) => seen === null || seen.health === 'gone'
    let looks = 0
    const look = async () => {
      if (looks++ % LOOKS_A_REMOVAL === 0) await this.patient(() => this.realm(kind).remove(id, mark))
      return this.realm(kind).get(id)
    }
    await until(this.world, `${kind} gone`, look, gone)
  }

  async close(): Promise<void> {
    for (const { kind, id, mark } of this.#made.splice(0).reverse()) await this.remove(kind, id, mark)
  }

  async pages<S extends Seen>(list: (cursor?: string) => Promise<Page<S>>): Promise<S[]> {
    const items: S[] = []
    let cursor: string | undefined
    do {
      const page = await list(cursor)
      expect(page.complete).toBe(true)
      items.push(...page.items)
      cursor = page.next
    } while (cursor !== undefined)
    return items
  }

  /* ------------------------------------------------------ one of each, as the specifications of the others need them */

  #one(kind: Kind, spec: () => Promise<unknown>): Promise<Seen> {
    const known = this.#shared.get(kind) ?? spec().then((each) => this.make(kind, each))
    this.#shared.set(kind, known)
    return known
  }

  address(): string {
    const [a, b, c] = this.world.fixtures.cidr.split('.')
    return `${a}.${b}.${c}.${this.#hosts++}`
  }

  network = () => this.#one('network', () => this.spec('network'))
  subnet = () => this.#one('subnet', () => this.spec('subnet'))
  group = () => this.#one('security_group', () => this.spec('security_group'))
  server = () => this.#one('server', () => this.spec('server'))
  volume = () => this.#one('volume', () => this.spec('volume'))
  router = () => this.#one('router', () => this.spec('router'))
  port = async (): Promise<Seen> => this.make('port', await this.spec('port'))

  /** A server's specification; on a cloud without ports, one without. */
  async serverSpec(change: Partial<ServerSpec> = {}): Promise<ServerSpec> {
    const { zone, size, image } = this.world.fixtures
    const ports = change.ports ?? (this.world.cloud.port ? [(await this.port()).id] : [])
    const none = {
      keypair: null,
      publicKey: null,
      userData: null,
      metadata: {},
      configDrive: false,
      drive: null,
      fork: null,
      boot: null,
      group: null,
    }
    return { name: 'case-server', size, image, zone, ...none, ...change, ports }
  }

  /** A specification of that kind, with everything it refers to made. */
  async spec(kind: Kind): Promise<Record<string, unknown>> {
    const { zone, cidr, volumeGiB = 1 } = this.world.fixtures
    const [a, b, c] = cidr.split('.')
    switch (kind) {
      case 'network':
        return { name: 'case-network', cidrs: [cidr] }
      case 'subnet': {
        const network = (await this.network()).id
        const gateway = `${a}.${b}.${c}.1`
        return { name: 'case-subnet', network, cidr, gateway, zone, dhcp: true, dnsServers: [] }
      }
      case 'router': {
        const interfaces = [{ network: (await this.network()).id, subnet: (await this.subnet()).id }]
        return { name: 'case-router', gateway: true, interfaces, routes: [] }
      }
      case 'security_group':
        return { name: 'case-group', description: 'a case', network: (await this.network()).id, rules: [] }
      case 'port': {
        const { id: subnet } = await this.subnet()
        const address = this.address()
        const mac = `fa:16:3e:00:00:${Number(address.split('.')[3]).toString(16).padStart(2, '0')}`
        const securityGroups = this.world.cloud.security_group ? [(await this.group()).id] : []
        const portSecurity = securityGroups.length > 0
        const network = (await this.network()).id
        return { name: 'case-port', network, addresses: [{ subnet, address }], mac, securityGroups, portSecurity }
      }
      case 'keypair':
        return { name: `case-key-${crypto.randomUUID().slice(0, 8)}`, label: 'my key', publicKey: PUBLIC_KEY }
      case 'floating_ip':
        return { target: null }
      case 'volume':
        return { name: 'case-volume', sizeGiB: volumeGiB, zone, type: null, source: null }
      case 'snapshot':
        return { name: 'case-snapshot', description: 'a case', volume: (await this.volume()).id }
      case 'image':
        return {
          name: `case-image-${crypto.randomUUID().slice(0, 8)}`,
          source: { kind: 'server', id: (await this.server()).id },
        }
      case 'server_group':
        return { name: 'case-server-group', policy: 'anti-affinity', mostPerHost: null }
      case 'server':
        return { ...(await this.serverSpec()) }
      case 'attachment':
        return { server: (await this.server()).id, volume: (await this.volume()).id, device: null }
      case 'interface':
        return { server: (await this.server()).id, port: (await this.port()).id }
    }
  }
}
