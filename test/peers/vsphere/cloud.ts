import type { Connection, Json, Kind, Surroundings } from '../../../adapters/contract.ts'
import type { Context } from '../../../adapters/vsphere/context.ts'
import { vsphere } from '../../../adapters/vsphere/index.ts'
import { KEY } from '../../../adapters/vsphere/marks.ts'
import { networkRef } from '../../../adapters/vsphere/network/port-group.ts'
import { readOptions } from '../../../adapters/vsphere/options.ts'
import { extraConfig } from '../../../adapters/vsphere/records/guestinfo.ts'
import { machineOf } from '../../../adapters/vsphere/records/machine.ts'
import { changeRecord, recordOf } from '../../../adapters/vsphere/records/port-record.ts'
import { DISK_KEY, describeDisk, diskOf } from '../../../adapters/vsphere/storage/disk.ts'
import { connectVim, type Vim, vcenterKey } from '../../../adapters/vsphere/wire/client.ts'
import { look, text } from '../../../adapters/vsphere/wire/properties.ts'
import { settled, taskIn } from '../../../adapters/vsphere/wire/tasks.ts'
import { MemoryBlobs } from '../../support/memory-blobs.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { launch, type Vcsim } from './launch.ts'
import { type Line, line } from './line.ts'

export const surroundings = (fetching: typeof fetch, blobs = new MemoryBlobs()): Surroundings => ({
  blobs,
  fetch: fetching,
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  store: new MemoryStore(),
  cache: new Map(),
  log() {},
  timeoutMs: 5_000,
  runtime: 'node',
})

export const OPTIONS: Record<string, Json> = {
  sizes: [
    { name: 'vs.small', vcpus: 1, ram_mib: 512, price: 0.02 },
    { name: 'vs.medium', vcpus: 2, ram_mib: 1024, disk_gib: 20 },
  ],
  volume_types: { gold: 'aa6d5a82-1c88-45da-85d3-3d74b91a5bad' },
  switch: { name: 'DVS0', vlans: '100-163' },
  shutdown_seconds: 5,
  settle_seconds: 0,
}

export const connection = (endpoint: string, change: Partial<Connection> = {}): Connection => ({
  cloudId: '6f4b2d0e-35d8-45c1-9ae4-6e1d4f0f3d52',
  name: 'dc1-vsphere',
  endpoint,
  region: null,
  options: OPTIONS,
  credentials: { username: 'plimsoll@vsphere.local', password: 's3cret-of-vcenter' },
  mapping: {},
  deployment: '5e0e2f0e-6f5b-4f2e-9d6c-3f7f9b8a1c11',
  ...change,
})

export const contextOf = (
  linked: Connection,
  around: Surroundings,
  vim: Vim = connectVim(linked, around),
): Context => ({
  vim,
  connection: linked,
  options: readOptions(linked.options).options,
  mapping: { folder: null, resourcePool: null, datastore: null, storagePolicy: null, network: null },
  surroundings: around,
  storePrefix: `vsphere/${vcenterKey(linked)}`,
})

/** Takes the mark off as somebody with the client of vCenter would; the answer puts it back. */
const disowning =
  (context: Context) =>
  async (kind: Kind, id: string): Promise<() => Promise<void>> => {
    const { vim } = context
    switch (kind) {
      case 'server': {
        const machine = (await machineOf(context, id))!
        const write = async (value: string) => {
          const spec = { extraConfig: extraConfig({ [KEY.mark]: value }) }
          await settled(context, taskIn(await vim.call(machine.ref, 'ReconfigVM_Task', { spec })))
        }
        await write('')
        return () => write(machine.own[KEY.mark] ?? '')
      }
      case 'network': {
        const ref = networkRef(id)
        const [found] = await look(vim, [ref], ['name', 'config.description'])
        const write = async (description: string) => {
          const spec = { name: text(found!, 'name'), description }
          await settled(context, taskIn(await vim.call(ref, 'ReconfigureDVPortgroup_Task', { spec })))
        }
        await write('')
        return () => write(text(found!, 'config.description') ?? '')
      }
      case 'volume': {
        const disk = (await diskOf(context, id))!
        await describeDisk(context, disk, {}, [DISK_KEY.mark])
        return () =>
          describeDisk(context, { ...disk, metadata: {} }, { [DISK_KEY.mark]: disk.metadata[DISK_KEY.mark] ?? '' })
      }
      case 'port': {
        const own = (await recordOf(context, id))!.record.mark
        const write = async (mark: string) => {
          await changeRecord(context, id, (record) => ({ ...record, mark }))
        }
        await write('')
        return () => write(own)
      }
      default:
        throw new Error(`nothing is known of the mark of a ${kind}`)
    }
  }

/** A connected vCenter, with a line in between to make trouble on. */
export const vsphereCloud = async (options: { machines?: number } = {}) => {
  const vcsim: Vcsim = await launch(options)
  const trouble: Line = line()
  const blobs = new MemoryBlobs()
  const around = surroundings(trouble.fetch, blobs)
  const linked = connection(vcsim.url)
  const cloud = vsphere.connect(linked, around)
  const image = (await cloud.image.catalog()).items.find(({ name }) => name === 'debian-12')
  if (!image) throw new Error('the simulator has no template')
  return {
    vcsim,
    line: trouble,
    adapter: vsphere,
    connection: linked,
    surroundings: around,
    blobs,
    context: contextOf(linked, around),
    cloud,
    advance: (ms: number) => around.sleep(Math.min(ms, 20)),
    fixtures: {
      zone: 'DC0_C0',
      size: { native: 'vs.small', vcpus: 1, ramMiB: 512, diskGiB: 0 },
      otherSize: { native: 'vs.medium', vcpus: 2, ramMiB: 1024, diskGiB: 20 },
      image: image.id,
      cidr: '10.40.0.0/24',
    },
    disown: disowning(contextOf(linked, around)),
    close: () => vcsim.stop(),
  }
}
