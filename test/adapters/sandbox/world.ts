import type { Adapter, Connection, Json, Kind, NativeId, Store, Surroundings } from '../../../adapters/contract.ts'
import { announce, disown, recall, reclaim } from '../../../adapters/sandbox/backdoor.ts'
import { sandbox } from '../../../adapters/sandbox/index.ts'
import type { Stored } from '../../../adapters/sandbox/records/entities.ts'
import { MemoryBlobs } from '../../support/memory-blobs.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import type { World } from '../world.ts'

export type SandboxWorld = World & { store: Store; now: () => number; cloudId: string }

/** An embedded cloud whose clock stands until it is moved; sleeping moves it. */
export function sandboxWorld(options: Record<string, Json> = {}, store: Store = new MemoryStore()): SandboxWorld {
  let clock = Date.UTC(2026, 5, 1)
  const adapter: Adapter = sandbox
  const connection: Connection = {
    cloudId: 'cloud-1',
    name: 'sandbox',
    endpoint: null,
    region: null,
    options,
    credentials: {},
    mapping: {},
    deployment: 'deployment-1',
  }
  const advance = async (ms: number): Promise<void> => {
    clock += ms
  }
  const blobs = new MemoryBlobs(() => clock)
  const surroundings: Surroundings = {
    blobs,
    fetch: () => Promise.reject(new Error('the embedded cloud is not on any network')),
    now: () => clock,
    sleep: advance,
    store,
    cache: new Map(),
    log: () => {},
    timeoutMs: 10_000,
    runtime: 'node',
  }
  const size = { native: 'sb.small', vcpus: 1, ramMiB: 2048, diskGiB: 10 }
  const otherSize = { native: 'sb.medium', vcpus: 2, ramMiB: 4096, diskGiB: 20 }
  return {
    cloud: adapter.connect(connection, surroundings),
    adapter,
    connection,
    surroundings,
    blobs,
    advance,
    store,
    now: () => clock,
    cloudId: connection.cloudId,
    fixtures: { zone: 'a', size, otherSize, image: 'sbx-img-sandbox-linux', cidr: '10.77.0.0/24' },
    rules: async (group: NativeId) => (await recall(store, 'cloud-1', 'security_group', group))?.spec.rules ?? [],
    speaks: async (port: NativeId, address: string) =>
      (await recall(store, 'cloud-1', 'port', port))?.spec.addressPairs?.some((pair) => pair.address === address) ??
      false,
    limits: async (port: NativeId) => (await recall(store, 'cloud-1', 'port', port))?.spec.bandwidth ?? [],
    tells: async (port: NativeId) => (await recall(store, 'cloud-1', 'port', port))?.spec.dhcpOptions ?? [],
    announce: async (id: NativeId) => {
      if (!(await announce(store, 'cloud-1', id, clock)))
        throw new Error(`server ${id} is not the cloud's to take back`)
    },
    reclaim: async (id: NativeId) => {
      if (!(await reclaim(store, 'cloud-1', id, clock))) throw new Error(`server ${id} is not the cloud's to take back`)
    },
    disown: async (kind: Kind, id: NativeId) => {
      const before = (await recall(store, 'cloud-1', kind as Stored, id))?.mark ?? null
      await disown(store, 'cloud-1', kind as Stored, id, null)
      return () => disown(store, 'cloud-1', kind as Stored, id, before)
    },
  }
}
