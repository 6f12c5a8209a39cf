import type { Mark, NativeId, Outcome, Realm, SnapshotSeen, SnapshotSpec } from '../../contract.ts'
import { markedRealm } from '../../shared/realm.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import type { HostOption } from '../options.ts'
import { everywhere, pageOfPools } from '../records/everywhere.ts'
import { atHostOf, idOn, partsOf } from '../records/ids.ts'
import { type Volume, volumeNamed, volumesOn } from '../records/volume.ts'
import { makingName, markIn, nameFor } from '../records/volume-name.ts'
import type { Host } from '../wire/host.ts'
import { copiedVolume } from './copied.ts'
import { copyStep, isMaking, POLL_MS, removeCopy, removeNote } from './copy.ts'
import { filesOn, poolOn } from './pool.ts'

const GIB = 1024 ** 3

/** A snapshot together with where it is. */
interface Found {
  host: Pick<HostOption, 'name'>
  volume: Volume
  making: boolean
}

const markOf = ({ host, volume: { ref } }: Found): Mark | undefined =>
  markIn(ref.name, { host: host.name, pool: ref.pool })

const idOf = ({ host, volume: { ref } }: Found): NativeId => idOn(host, ref.pool, ref.name)

const look = async (host: Host, pool: string, name: string): Promise<Found | null> => {
  if (markIn(name, { host: host.name, pool })?.kind !== 'snapshot') return null
  const volume = await volumeNamed(host, pool, name)
  return volume && { host: { name: host.name }, volume, making: await isMaking(host, pool, name) }
}

/** A snapshot is a full copy of a volume in a pool of files, beside it, and its name is its mark. */
export const snapshot = (context: Context): Realm<SnapshotSpec, SnapshotSeen> => {
  const { connection, options } = context
  const seenOf = (found: Found): SnapshotSeen => {
    const mark = markOf(found)
    return {
      id: idOf(found),
      ...(mark?.deployment === connection.deployment ? { mark } : {}),
      health: found.making ? 'pending' : 'ready',
      sizeGiB: Math.ceil(found.volume.capacity / GIB),
    }
  }
  const named = async (host: Host, mark: Mark): Promise<{ pool: string; name: string }> => {
    const { name: pool } = (await poolOn(host, options.pool)).ref
    return { pool, name: nameFor(mark, { host: host.name, pool }) }
  }
  const find = (mark: Mark, { volume }: SnapshotSpec): Promise<Found | null> =>
    atHostOf(context, volume, async (host) => {
      const { pool, name } = await named(host, mark)
      return look(host, pool, name)
    })
  const step = async (spec: SnapshotSpec, mark: Mark, seenBroken: boolean): Promise<Outcome<SnapshotSeen>> => {
    const done = await atHostOf(context, spec.volume, async (host) => {
      const { ref: pool } = await filesOn(host, options.pool)
      const name = nameFor(mark, { host: host.name, pool: pool.name })
      const present = await look(host, pool.name, name)
      if (present && !present.making) return { copying: 'whole' as const }
      return {
        copying: await copyStep(
          context,
          host,
          { pool, name, ...(await copiedVolume(context, host, spec.volume)) },
          seenBroken,
        ),
      }
    })
    if (!done) throw gone(spec.volume)
    if (done.copying !== 'whole') {
      const task = { snapshot: { spec: { ...spec }, mark: { ...mark }, broken: done.copying === 'broken' } }
      return { task, pollAfterMs: POLL_MS }
    }
    const made = await find(mark, spec)
    if (!made) throw gone(mark.resource)
    return seenOf(made)
  }
  return markedRealm<SnapshotSpec, SnapshotSeen, Found>(
    connection,
    {
      raw: (id) => {
        const [pool = '', name = ''] = partsOf(id, 2)
        return atHostOf(context, id, (host) => look(host, pool, name))
      },
      markOf,
      one: seenOf,
      async find(mark, spec) {
        const found = await find(mark, spec)
        // One that takes several steps is nobody's before the last: who asks for it again goes on with it.
        return found && !found.making ? seenOf(found) : null
      },
      list: () =>
        pageOfPools(context, async (host) => {
          const volumes = await volumesOn(host)
          const names = new Set(volumes.map(({ ref }) => ref.name))
          return volumes.flatMap((volume) => {
            const found = { host: { name: host.name }, volume, making: names.has(makingName(volume.ref.name)) }
            return markOf(found)?.kind === 'snapshot' ? [seenOf(found)] : []
          })
        }),
    },
    {
      once: 'unique',
      settleMs: options.settleMs,
      create: (spec, mark) => step(spec, mark, false),
      poll(task) {
        const { snapshot: wish } = task as { snapshot?: { spec: SnapshotSpec; mark: Mark; broken: boolean } }
        return wish ? step(wish.spec, wish.mark, wish.broken) : refuse('Nobody knows any more what this task was.')
      },
      async remove(found) {
        await atHostOf(context, idOf(found), (host) => removeCopy(context, host, found.volume))
      },
      async removeRest(mark) {
        await everywhere(context, async (host) => {
          const { pool, name } = await named(host, mark)
          await removeNote(host, pool, name)
        })
      },
    },
  )
}
