import { CloudError } from '../../errors.ts'
import { child, parseXml, textOf } from '../../shared/xml.ts'
import type { Host } from '../wire/host.ts'
import {
  FIND_POOL,
  FIND_VOLUME,
  FIND_VOLUME_AT,
  LIST_POOLS,
  LIST_VOLUMES,
  POOL_XML,
  type PoolRef,
  VOLUME_XML,
  type VolumeRef,
} from '../wire/procedures.ts'
import { fewAtATime } from './few.ts'
import { isPart } from './volume-name.ts'

/** A volume of a pool. */
export interface Volume {
  ref: VolumeRef
  path: string
  format: string
  capacity: number
  /** Where its data are but for what was written since; null: all are its own. */
  backing: string | null
}

/** Null for what is not there. */
export const orNull = async <T>(call: Promise<T>): Promise<T | null> => {
  try {
    return await call
  } catch (error) {
    if (error instanceof CloudError && error.code === 'not_found') return null
    throw error
  }
}

const read = async (host: Host, ref: VolumeRef): Promise<Volume> => {
  const { xml } = await host.call(VOLUME_XML, { volume: ref, flags: 0 })
  const root = parseXml(xml)
  return {
    ref,
    path: textOf(root, 'target', 'path') ?? ref.key,
    format: child(root, 'target', 'format')?.attributes.get('type') ?? 'raw',
    capacity: Number(textOf(root, 'capacity') ?? 0),
    backing: textOf(root, 'backingStore', 'path') ?? null,
  }
}

/** VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE and VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE */
const INACTIVE = 1
const ACTIVE = 2

/** Pools that are started, but for those of logs: what is in the others, nobody knows. */
export const poolsOn = async (host: Host): Promise<PoolRef[]> =>
  (await host.call(LIST_POOLS, { wanted: 1, flags: ACTIVE })).items.filter(({ name }) => !isPart(name))

/** Pools that are there and not started: of what is in them nothing is known, so nothing is concluded. */
export const stoppedPoolsOn = async (host: Host): Promise<PoolRef[]> =>
  (await host.call(LIST_POOLS, { wanted: 1, flags: INACTIVE })).items.filter(({ name }) => !isPart(name))

/** A pool that is started, by its name, or (null) the only one; null if that is none. */
export const poolNamed = async (host: Host, name: string | null): Promise<{ ref: PoolRef; type: string } | null> => {
  const pools = await poolsOn(host)
  const ref = name === null ? (pools.length === 1 ? pools[0] : undefined) : pools.find((each) => each.name === name)
  if (!ref) return null
  const { xml } = await host.call(POOL_XML, { pool: ref, flags: 0 })
  return { ref, type: parseXml(xml).attributes.get('type') ?? '' }
}

/** Every volume of every pool that is started. */
export const volumesOn = async (host: Host): Promise<Volume[]> => {
  const pools = await poolsOn(host)
  const lists = await fewAtATime(pools, (pool) => host.call(LIST_VOLUMES, { pool, wanted: 1, flags: 0 }))
  const refs = lists.flatMap(({ items }) => items)
  const found = await fewAtATime(refs, (ref) => orNull(read(host, ref)))
  return found.filter((volume) => volume !== null)
}

/** One volume, by the names of its pool and its own; null if there is none. */
export const volumeNamed = async (host: Host, pool: string, name: string): Promise<Volume | null> => {
  const found = await orNull(host.call(FIND_POOL, { name: pool }))
  const volume = found && (await orNull(host.call(FIND_VOLUME, { pool: found.pool, name })))
  return volume && orNull(read(host, volume.volume))
}

/** The volume at a path of the host; null if no pool has one there. */
export const volumeAt = async (host: Host, path: string): Promise<VolumeRef | null> =>
  (await orNull(host.call(FIND_VOLUME_AT, { path })))?.volume ?? null
