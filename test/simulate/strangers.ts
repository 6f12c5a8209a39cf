import type { Cloud, Json, Kind, Mark, NativeId, Realm, Seen, Store } from '../../adapters/contract.ts'
import { disown, recall } from '../../adapters/sandbox/backdoor.ts'
import { sandbox } from '../../adapters/sandbox/index.ts'
import type { Entity, Stored } from '../../adapters/sandbox/records/entities.ts'
import type { Scheduler } from './scheduler.ts'

const THEIRS = 'somebody-else'
/** Whatever they make is there at once. */
const OPTIONS = { log_calls: 0, build_ms: 0, volume_ms: 0, attach_ms: 0 }

/**
 * Others on the same cloud, who go there directly and whom no fault strikes. What they made stays as they left it,
 * whoever adopts it and hands it back, but for our mark on it.
 */
export class Strangers {
  readonly #store: Store
  readonly #cloudId: string
  readonly #cloud: Cloud
  readonly #scheduler: Scheduler
  /** How each object was when they left it, by kind and id. */
  readonly #left = new Map<string, string>()

  constructor(store: Store, cloudId: string, scheduler: Scheduler) {
    this.#store = store
    this.#cloudId = cloudId
    this.#scheduler = scheduler
    const connection = { cloudId, name: 'sandbox', endpoint: null, region: null, credentials: {}, mapping: {} }
    const unreachable = () => Promise.reject(new Error('nobody goes there'))
    this.#cloud = sandbox.connect(
      { ...connection, options: OPTIONS, deployment: THEIRS },
      {
        blobs: { read: unreachable },
        fetch: unreachable,
        now: () => scheduler.now,
        sleep: async () => {},
        store: faultless(store),
        cache: new Map(),
        log: () => {},
        timeoutMs: 20_000,
        runtime: 'node',
      },
    )
  }

  /** A volume with another deployment's mark, or (by default) with nobody's. */
  async volume(marked = false): Promise<NativeId> {
    const spec = { name: 'theirs', sizeGiB: 1, zone: 'a', type: null, source: null }
    const id = await this.#make('volume', spec)
    await this.#leave('volume', id, marked)
    return id
  }

  /** A volume with our mark, of which no row knows. */
  async orphan(mark: Omit<Mark, 'kind' | 'resource' | 'token' | 'epoch'>): Promise<NativeId> {
    const { dice, now } = this.#scheduler
    const spec = { name: 'orphan', sizeGiB: 1, zone: 'a', type: null, source: null }
    const id = await this.#make('volume', spec)
    const epoch = Math.floor(now / 60_000)
    const ours: Mark = { ...mark, kind: 'volume', resource: dice.uuid(), token: dice.uuid(), epoch }
    await disown(this.#store, this.#cloudId, 'volume', id, ours)
    return id
  }

  /** A machine with a port on a network of its own and a volume in it. */
  async machine(): Promise<{ machine: NativeId; volume: NativeId; parts: [Stored, NativeId][] }> {
    const network = await this.#make('network', { name: 'lan', cidrs: ['10.70.0.0/24'] })
    const ground = { name: 'lan-a', network, cidr: '10.70.0.0/24', gateway: '10.70.0.1', zone: 'a' }
    const subnet = await this.#make('subnet', { ...ground, dhcp: true, dnsServers: [] })
    const any = { protocol: null, min: null, max: null, cidr: null, group: null }
    const rules = [{ direction: 'egress', family: 4, ...any }]
    const group = await this.#make('security_group', { name: 'lan', description: 'theirs', network, rules })
    const addresses = [{ subnet, address: '10.70.0.20' }]
    const card = { name: 'eth0', network, addresses, mac: '02:00:00:00:00:20', securityGroups: [group] }
    const port = await this.#make('port', { ...card, portSecurity: true })
    const machine = await this.#make('server', {
      name: 'legacy',
      size: { native: 'sb.small', vcpus: 1, ramMiB: 2048, diskGiB: 10 },
      image: 'sbx-img-sandbox-linux',
      zone: 'a',
      ports: [port],
      keypair: null,
      publicKey: null,
      userData: null,
      metadata: {},
      configDrive: false,
      fork: null,
    })
    const volume = await this.#make('volume', { name: 'data', sizeGiB: 2, zone: 'a', type: null, source: null })
    await this.#make('attachment', { server: machine, volume, device: '/dev/vdb' })
    const parts: [Stored, NativeId][] = [
      ['network', network],
      ['subnet', subnet],
      ['security_group', group],
      ['port', port],
      ['server', machine],
      ['volume', volume],
    ]
    for (const [kind, id] of parts) await this.#leave(kind, id)
    return { machine, volume, parts }
  }

  /** Somebody asked for a change of it by the API. */
  letGo(kind: Stored, id: NativeId): void {
    this.#left.delete(`${kind} ${id}`)
  }

  /** What is not as it was left. */
  async faults(): Promise<string[]> {
    const faults: string[] = []
    for (const [name, before] of this.#left) {
      const [kind, id] = name.split(' ') as [Stored, NativeId]
      const now = await this.#look(kind, id)
      if (now !== before) faults.push(`touched: ${name}: ${now}, was ${before}`)
    }
    return faults
  }

  async #make(kind: Kind, spec: Json | object): Promise<NativeId> {
    const { dice } = this.#scheduler
    const mark: Mark = { deployment: THEIRS, project: '', kind, resource: dice.uuid(), token: dice.uuid(), epoch: 0 }
    const made = await (this.#cloud[kind] as Realm<unknown>).create(spec, mark)
    return (made as Seen).id
  }

  async #leave(kind: Stored, id: NativeId, marked = false): Promise<void> {
    if (!marked) await disown(this.#store, this.#cloudId, kind, id, null)
    this.#left.set(`${kind} ${id}`, await this.#look(kind, id))
  }

  /** Everything of it, with the marks of others. */
  async #look(kind: Stored, id: NativeId): Promise<string> {
    const entity = (await recall(this.#store, this.#cloudId, kind, id)) as Entity | undefined
    return JSON.stringify(entity, (key, value) => (key === 'mark' && value?.deployment !== THEIRS ? null : value)) ?? ''
  }
}

/** The rules for what goes wrong are not for them. */
const faultless = (store: Store): Store => ({
  get: async (key) => (key.endsWith('/calls') ? null : store.get(key)),
  put: (...args) => store.put(...args),
  delete: (...args) => store.delete(...args),
  list: (...args) => store.list(...args),
})
