import type { Mark } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { unlessGone } from '../../shared/refusals.ts'
import { escapeXml } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { logPlace, logPoolName, partIn } from '../records/volume-name.ts'
import type { Host } from '../wire/host.ts'
import {
  BUILD_POOL,
  CREATE_VOLUME,
  DEFINE_POOL,
  DELETE_POOL,
  DELETE_VOLUME,
  FIND_VOLUME,
  LIST_POOLS,
  LIST_VOLUMES,
  type PoolRef,
  REFRESH_POOL,
  START_POOL,
  STOP_POOL,
  UNDEFINE_POOL,
  type VolumeRef,
} from '../wire/procedures.ts'

/*
 * What a console says are bytes of a guest, and libvirt looks into every file of a pool when it looks the pool through: bytes that
 * it cannot make sense of take the pool away. So each server has a pool for its log alone, in a folder of its own beside that of
 * the disks, and whatever a guest writes there is in the way of nobody else.
 */

/** What the log is called in its pool. */
const LOG = 'log'

const folderIn = (disks: string, uuid: string): string => `${disks}-plimsoll-logs/${uuid}`

/** The file on the host into which goes what the guest says on its console. @param disks the folder of its disks */
export const logFile = (disks: string, uuid: string): string => `${folderIn(disks, uuid)}/${LOG}`

/** That it is so already is what was wanted. */
const unlessSo = async <T>(code: string, call: () => Promise<T>): Promise<T | null> => {
  try {
    return await call()
  } catch (error) {
    if (error instanceof CloudError && error.detail.cloudCode === code) return null
    throw error
  }
}
const startPool = (host: Host, pool: PoolRef) =>
  unlessSo('VIR_ERR_OPERATION_INVALID', () => host.call(START_POOL, { pool, flags: 0 }))

/** Makes the place for a log, and an empty one. It is not made anew where it is. @param disks the folder of the server's disks */
export const makeLog = async (host: Host, disks: string, mark: Mark): Promise<void> => {
  const uuid = mark.resource
  const xml = `<pool type="dir"><name>${escapeXml(logPoolName(mark, host.name))}</name><uuid>${uuid}</uuid><target><path>${escapeXml(folderIn(disks, uuid))}</path></target></pool>`
  const { pool } = await host.call(DEFINE_POOL, { xml, flags: 0 })
  await unlessSo('VIR_ERR_OPERATION_INVALID', () => host.call(BUILD_POOL, { pool, flags: 0 }))
  await startPool(host, pool)
  const empty = `<volume><name>${LOG}</name><capacity>0</capacity><target><format type="raw"/></target></volume>`
  await unlessSo('VIR_ERR_STORAGE_VOL_EXIST', () => host.call(CREATE_VOLUME, { pool, xml: empty, flags: 0 }))
}

const poolsOf = async (context: Context, host: Host, uuid: string): Promise<PoolRef[]> =>
  (await host.call(LIST_POOLS, { wanted: 1, flags: 0 })).items.filter(({ name }) => {
    const mark = partIn(name, logPlace(host.name))?.mark
    return mark?.resource === uuid && mark.deployment === context.connection.deployment
  })

/** The newest file of a server's log; null: it has none. @throws `ambiguous` where the bytes in it keep libvirt from looking */
export const logOf = async (context: Context, host: Host, uuid: string): Promise<VolumeRef | null> => {
  const [pool] = await poolsOf(context, host, uuid)
  if (!pool) return null
  await startPool(host, pool)
  const found = await host.call(FIND_VOLUME, { pool, name: LOG }).catch((error) => {
    if (error instanceof CloudError && error.code === 'not_found') return null
    throw error
  })
  return found?.volume ?? null
}

/**
 * Takes away a server's log with its place. It may have been cut into several files, of which the pool knows once it has looked;
 * where their bytes keep it from that, the files stay in their folder.
 */
export const removeLog = async (context: Context, host: Host, uuid: string): Promise<void> => {
  for (const pool of await poolsOf(context, host, uuid)) {
    const clear = async () => {
      const { items } = await host.call(LIST_VOLUMES, { pool, wanted: 1, flags: 0 })
      for (const volume of items) await unlessGone(() => host.call(DELETE_VOLUME, { volume, flags: 0 }))
    }
    try {
      await startPool(host, pool)
      // What it knows already goes before it looks.
      await clear()
      await host.call(REFRESH_POOL, { pool, flags: 0 })
      await clear()
      await unlessSo('VIR_ERR_OPERATION_INVALID', () => host.call(STOP_POOL, { pool }))
      await host.call(DELETE_POOL, { pool, flags: 0 })
    } catch (error) {
      if (!(error instanceof CloudError && error.detail.cloudCode)) throw error
      const message = error.detail.operatorMessage ?? error.message
      context.surroundings.log('warn', 'a console log stays on its host', { host: host.name, server: uuid, message })
      await unlessSo('VIR_ERR_OPERATION_INVALID', () => host.call(STOP_POOL, { pool }))
    }
    await unlessGone(() => host.call(UNDEFINE_POOL, { pool }))
  }
}
