import type { Zone } from '../contract.ts'
import { textOf } from '../shared/xml.ts'
import type { Context } from './context.ts'
import { datastoreOf, type Inventory, inventoryOf } from './inventory.ts'
import { below, look, refAt, refsAt, text } from './wire/properties.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

/** Never more than there is: usage is a moment's, and the parts are rounded. */
const share = (used: number, total: number): [number, number] => [Math.max(0, Math.min(Math.round(used), total)), total]

/** By the id of a cluster: what its machines were promised, running or not. Templates are in no pool. */
const promises = async ({ vim }: Context, { datacenter, pools }: Inventory) => {
  const owners = new Map(pools.map(({ ref, owner }) => [ref.id, owner]))
  const promised = new Map<string, { vcpus: number; ramMiB: number }>()
  const paths = ['resourcePool', 'summary.config.numCpu', 'summary.config.memorySizeMB']
  for (const machine of await below(vim, datacenter.ref, { VirtualMachine: paths })) {
    const owner = owners.get(refAt(machine, 'resourcePool')?.id ?? '')
    if (owner === undefined) continue
    const { vcpus, ramMiB } = promised.get(owner) ?? { vcpus: 0, ramMiB: 0 }
    promised.set(owner, {
      vcpus: vcpus + Number(text(machine, 'summary.config.numCpu') ?? 0),
      ramMiB: ramMiB + Number(text(machine, 'summary.config.memorySizeMB') ?? 0),
    })
  }
  return promised
}

/**
 * Zones are clusters, and hosts that stand alone. How full one is comes from its root resource pool: what runs there
 * uses now, not what was promised to it.
 */
export const zones = async (context: Context): Promise<Zone[]> => {
  const { vim, options, mapping } = context
  const inventory = await inventoryOf(context, true)
  const [computes, pools] = [
    await look(
      vim,
      inventory.clusters.map(({ ref }) => ref),
      ['summary', 'datastore'],
    ),
    await look(
      vim,
      inventory.clusters.map(({ pool }) => pool),
      ['runtime'],
    ),
  ]
  const promised = await promises(context, inventory)
  const wanted = mapping.datastore ?? options.datastore
  return inventory.clusters.map(({ ref, name, pool }) => {
    const found = computes.find((each) => each.ref.id === ref.id)
    const summary = found?.props.get('summary')
    const runtime = pools.find((each) => each.ref.id === pool.id)?.props.get('runtime')
    const number = (...path: string[]) => Number(textOf(summary, ...path) ?? 0)
    const used = (resource: string) => Number(textOf(runtime, resource, 'overallUsage') ?? 0)
    const threads = number('numCpuThreads')
    const ram = Math.floor(number('totalMemory') / MIB)
    const mhz = number('totalCpu')
    const reachable = new Set(found ? refsAt(found, 'datastore').map(({ id }) => id) : [])
    const stores = (wanted === null ? inventory.datastores : [datastoreOf(inventory, wanted)]).filter(
      (each) => each.accessible && reachable.has(each.ref.id),
    )
    const disk = stores.reduce((sum, { capacity }) => sum + capacity, 0)
    const free = stores.reduce((sum, each) => sum + each.free, 0)
    return {
      name,
      available: number('numEffectiveHosts') > 0,
      ...(threads > 0 && mhz > 0
        ? {
            room: {
              vcpus: share((used('cpu') / mhz) * threads, threads),
              ramMiB: share(used('memory') / MIB, ram),
              diskGiB: share((disk - free) / GIB, Math.floor(disk / GIB)),
            },
            promised: promised.get(ref.id) ?? { vcpus: 0, ramMiB: 0 },
          }
        : {}),
    }
  })
}
