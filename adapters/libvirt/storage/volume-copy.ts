import type { Mark, NativeId, Outcome, VolumeSeen, VolumeSpec } from '../../contract.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { everywhere } from '../records/everywhere.ts'
import { idOn } from '../records/ids.ts'
import { poolNamed } from '../records/volume.ts'
import { nameFor } from '../records/volume-name.ts'
import { type Host, onHost } from '../wire/host.ts'
import { copiedSnapshot, copiedVolume } from './copied.ts'
import { type Copying, copyStep, POLL_MS, removeNote } from './copy.ts'
import { filesOn } from './pool.ts'

const GIB = 1024 ** 3

/** A volume that is made of another one, or of a snapshot: plain JSON, which is the task too. */
interface Wish {
  spec: VolumeSpec
  mark: Mark
  broken: boolean
}

/** Volumes that are full copies. @param seen one as it is now */
export const volumeCopies = (context: Context, seen: (id: NativeId) => Promise<VolumeSeen | null>) => {
  const { options } = context
  /** A copy is on the host of what it is made of. */
  const hostOf = ({ zone, source }: VolumeSpec) => {
    const name = source?.id.split('/', 1)[0]
    const option = options.hosts.find((each) => each.name === name)
    if (!option) throw gone(source?.id ?? '')
    if (option.zone !== zone) refuse('What the volume is to be made of is in another zone.')
    return option
  }
  const copy = async (host: Host, { spec, mark, broken }: Wish): Promise<{ id: NativeId; copying: Copying }> => {
    const { sizeGiB, source } = spec
    const { ref: pool } = await filesOn(host, options.pool)
    const name = nameFor(mark, { host: host.name, pool: pool.name })
    const id = idOn(host, pool.name, name)
    if ((await seen(id))?.health === 'ready') return { id, copying: 'whole' }
    const made = await (source!.kind === 'snapshot'
      ? copiedSnapshot(host, source!.id)
      : copiedVolume(context, host, source!.id))
    const bytes = sizeGiB * GIB
    if (made.from.capacity > bytes) refuse('The volume would be smaller than what it is made of.')
    return { id, copying: await copyStep(context, host, { pool, name, bytes, ...made }, broken) }
  }
  const step = async (wish: Wish): Promise<Outcome<VolumeSeen>> => {
    const { id, copying } = await onHost(context, hostOf(wish.spec), (host) => copy(host, wish))
    if (copying !== 'whole') {
      const { spec, mark } = wish
      return {
        task: {
          copy: { spec: { ...spec, source: { ...spec.source! } }, mark: { ...mark }, broken: copying === 'broken' },
        },
        pollAfterMs: POLL_MS,
      }
    }
    return (await seen(id)) ?? Promise.reject(gone(id))
  }
  return {
    create: (spec: VolumeSpec, mark: Mark) => step({ spec, mark, broken: false }),
    async poll(task: unknown): Promise<Outcome<VolumeSeen>> {
      const { copy: wish } = task as { copy?: Wish }
      return wish ? step(wish) : refuse('Nobody knows any more what this task was.')
    },
    /** Of a copy that never was only the note is left. */
    async removeRest(mark: Mark): Promise<void> {
      await everywhere(context, async (host) => {
        const pool = await poolNamed(host, options.pool)
        if (pool) await removeNote(host, pool.ref.name, nameFor(mark, { host: host.name, pool: pool.ref.name }))
      })
    },
  }
}
