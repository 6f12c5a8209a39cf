import { CloudError } from '../errors.ts'
import { refuse } from '../shared/refusals.ts'
import { remembered } from '../shared/remember.ts'
import type { Context } from './context.ts'
import { below, look, refAt, refsAt, text } from './wire/properties.ts'
import { type Ref, ref } from './wire/soap.ts'

interface Cluster {
  ref: Ref
  name: string
  pool: Ref
}
interface Named {
  ref: Ref
  name: string
  parent?: Ref
}
export interface Datastore extends Named {
  url: string
  capacity: number
  free: number
  accessible: boolean
}

/** What an operator builds and we only use. It changes rarely and is remembered for a minute. */
export interface Inventory {
  datacenter: Named & { vmFolder: Ref; networkFolder: Ref }
  clusters: Cluster[]
  pools: (Named & { owner: string })[]
  folders: Named[]
  datastores: Datastore[]
}

const REMEMBERED_MS = 60_000

const inDatacenter = async (context: Context): Promise<Inventory> => {
  const { vim, options } = context
  const { root } = await vim.content()
  const all = await below(vim, root, { Datacenter: ['name', 'vmFolder', 'networkFolder'] })
  const wanted = all.filter((each) => options.datacenter === null || text(each, 'name') === options.datacenter)
  if (wanted.length !== 1)
    throw new CloudError('definitive', 'The cloud is not configured properly.', {
      operatorMessage: wanted.length
        ? 'Option datacenter has to choose one of several.'
        : `There is no datacenter ${options.datacenter ?? ''}.`,
    })
  const datacenter = wanted[0]!
  const parts = await below(vim, datacenter.ref, {
    ComputeResource: ['name', 'resourcePool'],
    ResourcePool: ['name', 'owner', 'parent'],
    Folder: ['name', 'parent'],
    Datastore: ['name', 'parent', 'summary.url', 'summary.capacity', 'summary.freeSpace', 'summary.accessible'],
  })
  const of = (type: RegExp) => parts.filter((each) => type.test(each.ref.type))
  const named = (each: (typeof parts)[number]): Named => {
    const parent = refAt(each, 'parent')
    return { ref: each.ref, name: text(each, 'name') ?? '', ...(parent ? { parent } : {}) }
  }
  return {
    datacenter: {
      ...named(datacenter),
      vmFolder: refAt(datacenter, 'vmFolder') ?? ref('Folder', ''),
      networkFolder: refAt(datacenter, 'networkFolder') ?? ref('Folder', ''),
    },
    clusters: of(/ComputeResource$/)
      .map((each) => ({ ...named(each), pool: refAt(each, 'resourcePool') ?? ref('ResourcePool', '') }))
      .filter(({ name }) => options.clusters === null || options.clusters.includes(name)),
    pools: of(/^(ResourcePool|VirtualApp)$/).map((each) => ({ ...named(each), owner: refAt(each, 'owner')?.id ?? '' })),
    folders: of(/^Folder$/).map(named),
    datastores: of(/^Datastore$/).map((each) => ({
      ...named(each),
      url: text(each, 'summary.url') ?? '',
      capacity: Number(text(each, 'summary.capacity') ?? 0),
      free: Number(text(each, 'summary.freeSpace') ?? 0),
      accessible: text(each, 'summary.accessible') !== 'false',
    })),
  }
}

/** The inventory as it was within the last minute. @param fresh as it is now */
export const inventoryOf = (context: Context, fresh = false): Promise<Inventory> => {
  const key = `vsphere/inventory/${context.connection.cloudId}`
  return remembered(context.surroundings, key, REMEMBERED_MS, () => inDatacenter(context), fresh)
}

/** The cluster that a resource pool is part of. */
export const zoneOf = (inventory: Inventory, pool: Ref | undefined): string | undefined => {
  const owner = inventory.pools.find((each) => each.ref.id === pool?.id)?.owner
  return inventory.clusters.find((each) => each.ref.id === owner || each.pool.id === pool?.id)?.name
}

/** The first cluster whose hosts reach a datastore. @throws `definitive` where none does */
export const zoneReaching = async (context: Context, datastore: Ref): Promise<string> => {
  const { clusters } = await inventoryOf(context)
  const found = await look(
    context.vim,
    clusters.map((each) => each.ref),
    ['datastore'],
  )
  const reaching = found.filter((each) => refsAt(each, 'datastore').some(({ id }) => id === datastore.id))
  return (
    clusters.find((each) => reaching.some((other) => other.ref.id === each.ref.id))?.name ??
    refuse('No zone of this cloud reaches the volume.')
  )
}

/** A misconfiguration is the operator's to read; the user learns that the place is not usable. */
const misconfigured = (what: string): never => {
  throw new CloudError('definitive', 'The project has no usable place on this cloud.', { operatorMessage: what })
}

/** By managed object id or by name, or by path below the folder of virtual machines. */
export const folderOf = (inventory: Inventory, wanted: string | null): Ref => {
  if (wanted === null) return inventory.datacenter.vmFolder
  const path = wanted.split('/')
  const matches = (each: Named | undefined, names: string[]): boolean =>
    names.length === 0 ||
    (each !== undefined &&
      each.name === names.at(-1) &&
      matches(
        inventory.folders.find(({ ref: { id } }) => id === each.parent?.id),
        names.slice(0, -1),
      ))
  const found = inventory.folders.filter((each) => each.ref.id === wanted || matches(each, path))
  return found.length === 1 ? found[0]!.ref : misconfigured(`${found.length} folders are called ${wanted}.`)
}

/** By managed object id or by name. @throws `definitive` for one that is not there */
export const datastoreOf = (inventory: Inventory, wanted: string): Datastore =>
  inventory.datastores.find((each) => each.ref.id === wanted || each.name === wanted) ??
  misconfigured(`There is no datastore ${wanted}.`)

/** Where disks of a zone go: the project's datastore, or the roomiest that the zone's hosts reach. */
export const datastoreIn = async (context: Context, zone: string): Promise<Datastore> => {
  const { vim, options, mapping } = context
  const inventory = await inventoryOf(context)
  const cluster = inventory.clusters.find(({ name }) => name === zone) ?? refuse(`The cloud has no zone ${zone}.`)
  const wanted = mapping.datastore ?? options.datastore
  if (wanted !== null) return datastoreOf(inventory, wanted)
  const [found] = await look(vim, [cluster.ref], ['datastore'])
  const reachable = new Set(found ? refsAt(found, 'datastore').map(({ id }) => id) : [])
  const [best] = inventory.datastores
    .filter((each) => each.accessible && reachable.has(each.ref.id))
    .toSorted((a, b) => b.free - a.free)
  if (!best) throw new CloudError('capacity', 'The zone has no datastore for disks.')
  return best
}

/** Where a server of this project goes. @throws `definitive` for a zone that is not there */
export const placeOf = async (context: Context, zone: string) => {
  const { options, mapping } = context
  const inventory = await inventoryOf(context)
  const cluster = inventory.clusters.find(({ name }) => name === zone) ?? refuse(`The cloud has no zone ${zone}.`)
  const pool =
    mapping.resourcePool === null
      ? cluster.pool
      : (inventory.pools.find(
          (each) => each.owner === cluster.ref.id && [each.name, each.ref.id].includes(mapping.resourcePool!),
        )?.ref ?? misconfigured(`Cluster ${zone} has no resource pool ${mapping.resourcePool}.`))
  const datastore = mapping.datastore ?? options.datastore
  const folder = folderOf(inventory, mapping.folder ?? options.folder)
  const policy = mapping.storagePolicy ?? options.storagePolicy
  return { cluster, pool, folder, datastore: datastore === null ? null : datastoreOf(inventory, datastore).ref, policy }
}

/** The names from the root folder down, as `/folder` wants them. */
export const datacenterPath = async (context: Context): Promise<string> => {
  const { vim } = context
  const { root } = await vim.content()
  const { datacenter } = await inventoryOf(context)
  const names = [datacenter.name]
  for (let above = datacenter.parent; above && above.id !== root.id; ) {
    const [folder] = await look(vim, [above], ['name', 'parent'])
    if (!folder) break
    names.unshift(text(folder, 'name') ?? '')
    above = refAt(folder, 'parent')
  }
  return names.join('/')
}
