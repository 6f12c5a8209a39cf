import type { Mark, NativeId } from '../../contract.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { partsOf } from '../records/ids.ts'
import type { Machine } from '../records/machine.ts'
import { poolNamed, type Volume } from '../records/volume.ts'
import { markIn } from '../records/volume-name.ts'
import type { Host } from '../wire/host.ts'

/*
 * The format of a volume is what was said when it was made, or when it was given to a server. What a pool finds in its bytes
 * says nothing: a guest may have written the head of an image there, which names any file of the host as its base.
 */

/** Pools of files have disks that grow as they are written; in others a volume is its bytes. */
export const formatIn = (poolType: string): 'qcow2' | 'raw' =>
  ['dir', 'fs', 'netfs', 'vstorage'].includes(poolType) ? 'qcow2' : 'raw'

const keyOf = ({ connection }: Context, id: NativeId): string => `libvirt/format/${connection.cloudId}/${id}`

/** Keeps in which format a server of ours has volumes that others made, before it loses them. */
export const keepFormats = async (context: Context, disks: Machine['disks']): Promise<void> => {
  const { store } = context.surroundings
  for (const { id, format } of disks) {
    if (id === null) continue
    const [pool = '', name = ''] = partsOf(id, 2)
    if (markIn(name, { host: id.split('/', 1)[0]!, pool })) continue
    const key = keyOf(context, id)
    await store.put(key, format, (await store.get(key))?.version ?? 0)
  }
}

/** A volume is in a server, whose definition says its format from now on. */
export const forgetFormat = async (context: Context, id: NativeId): Promise<void> => {
  await context.surroundings.store.delete(keyOf(context, id))
}

/**
 * The format in which a volume goes into a server.
 * @param mark that of a volume which was made here
 * @throws `definitive` for one of somebody else that no server of ours had, unless it is nothing but its bytes
 */
export const formatOf = async (
  context: Context,
  host: Host,
  id: NativeId,
  volume: Volume,
  mark: Mark | undefined,
): Promise<string> => {
  if (mark) {
    const pool = await poolNamed(host, volume.ref.pool)
    if (!pool) throw gone(id)
    return formatIn(pool.type)
  }
  const kept = await context.surroundings.store.get(keyOf(context, id))
  if (kept) return String(kept.value)
  if (volume.format !== 'raw' || volume.backing !== null)
    refuse('The volume may be an image that a guest wrote: it goes into a server only where one of ours had it before.')
  return 'raw'
}
