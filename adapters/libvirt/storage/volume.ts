import { type Mark, type NativeId, type Realm, reading, type VolumeSeen, type VolumeSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { markedRealm } from '../../shared/realm.ts'
import { gone, orEarlier, refuse } from '../../shared/refusals.ts'
import { escapeXml } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import type { HostOption } from '../options.ts'
import { pageOfPools } from '../records/everywhere.ts'
import { hostsFor } from '../records/hosts.ts'
import { atHostOf, idOn, partsOf } from '../records/ids.ts'
import { assertUnused, type Machine, machinesOn } from '../records/machine.ts'
import { type Volume, volumeNamed, volumesOn } from '../records/volume.ts'
import { isPart, makingName, markIn, nameFor } from '../records/volume-name.ts'
import { type Host, onHost } from '../wire/host.ts'
import { CREATE_VOLUME, RESIZE_VOLUME } from '../wire/procedures.ts'
import { isMaking, removeCopy } from './copy.ts'
import { formatIn } from './format.ts'
import { baseOf, imageOn, sweepImages } from './image-volume.ts'
import { filesOn, poolOn } from './pool.ts'
import { volumeCopies } from './volume-copy.ts'

const GIB = 1024 ** 3

/** A volume together with where it is, and the machine that has it. */
interface Found {
  host: Pick<HostOption, 'name' | 'zone'>
  volume: Volume
  holder: Machine | undefined
  /** It is a copy of which not all is there. */
  making: boolean
}

const foundOn = (host: Host, volume: Volume, machines: Machine[], making: boolean): Found => {
  const id = idOn(host, volume.ref.pool, volume.ref.name)
  const holder = machines.find(({ disks }) => disks.some((disk) => disk.id === id))
  return { host: { name: host.name, zone: host.zone }, volume, holder, making }
}

const markOf = ({ host, volume: { ref } }: Found): Mark | undefined =>
  markIn(ref.name, { host: host.name, pool: ref.pool })

const idOf = ({ host, volume: { ref } }: Found): NativeId => idOn(host, ref.pool, ref.name)

const look = async (host: Host, pool: string, name: string): Promise<Found | null> => {
  const volume = isPart(name) || isPart(pool) ? null : await volumeNamed(host, pool, name)
  return volume && foundOn(host, volume, await machinesOn(host), await isMaking(host, pool, name))
}

/** What a volume stands on that is made of an image. @throws `definitive` for a volume that is smaller than that */
const below = async (context: Context, host: Host, { source, sizeGiB }: VolumeSpec): Promise<string> => {
  if (source?.kind !== 'image') return ''
  await filesOn(host, context.options.pool)
  const image = await imageOn(context, host, baseOf(source.id))
  if (!image?.whole) throw gone(source.id)
  if (image.volume.capacity > sizeGiB * GIB) refuse(`The image needs a volume of ${image.volume.capacity / GIB} GiB.`)
  return `<backingStore><path>${escapeXml(image.volume.path)}</path><format type="qcow2"/></backingStore>`
}

const create = async (context: Context, host: Host, spec: VolumeSpec, mark: Mark): Promise<Found> => {
  const pool = await poolOn(host, context.options.pool)
  const name = nameFor(mark, { host: host.name, pool: pool.ref.name })
  const format = formatIn(pool.type)
  const bytes = spec.sizeGiB * GIB
  // LVM makes of what is not allocated a snapshot that is lost once its room is full.
  const allocated = format === 'raw' ? bytes : 0
  const xml = `<volume><name>${escapeXml(name)}</name><capacity unit="bytes">${bytes}</capacity><allocation unit="bytes">${allocated}</allocation><target><format type="${format}"/></target>${await below(context, host, spec)}</volume>`
  const make = async () => {
    await host.call(CREATE_VOLUME, { pool: pool.ref, xml, flags: 0 })
    return (await look(host, pool.ref.name, name)) ?? Promise.reject(gone(name))
  }
  return orEarlier('VIR_ERR_STORAGE_VOL_EXIST', make, () => look(host, pool.ref.name, name))
}

/**
 * A volume is one of a storage pool. Of those that are made here the name is the mark; another one carries none, and is
 * neither changed nor removed.
 */
export const volume = (context: Context): Realm<VolumeSpec, VolumeSeen> => {
  const { connection, options } = context
  const seenOf = (found: Found): VolumeSeen => {
    const { host, volume: own, holder } = found
    const mark = markOf(found)
    return {
      id: idOf(found),
      ...(mark?.deployment === connection.deployment ? { mark } : { name: own.ref.name }),
      health: found.making ? 'pending' : 'ready',
      zone: host.zone,
      sizeGiB: Math.ceil(own.capacity / GIB),
      server: holder?.id ?? null,
      device: null,
    }
  }
  const raw = (id: NativeId) => {
    const [pool = '', name = ''] = partsOf(id, 2)
    return atHostOf(context, id, (host) => look(host, pool, name))
  }
  const change = async (found: Found, work: (host: Host) => Promise<unknown>): Promise<VolumeSeen | null> => {
    await atHostOf(context, idOf(found), work)
    const now = await raw(idOf(found))
    return now && seenOf(now)
  }
  const copies = volumeCopies(context, async (id) => {
    const found = await raw(id)
    return found && seenOf(found)
  })
  return markedRealm<VolumeSpec, VolumeSeen, Found>(
    connection,
    {
      raw,
      markOf,
      one: seenOf,
      async find(mark: Mark, spec) {
        const looks = hostsFor(context, spec.zone, mark.token).map((option) =>
          onHost(context, option, async (host) => {
            const { name: pool } = (await poolOn(host, options.pool)).ref
            return look(host, pool, nameFor(mark, { host: host.name, pool }))
          }),
        )
        const answers = await Promise.allSettled(looks)
        const found = answers.find((answer) => answer.status === 'fulfilled' && answer.value !== null)
        // That it is on none of the hosts is known once all have answered.
        const decisive = found ?? answers.find(({ status }) => status === 'rejected')
        if (decisive?.status === 'rejected') throw decisive.reason
        // A copy that is not whole is nobody's: who asks for it again goes on with it.
        return decisive?.value && !decisive.value.making ? seenOf(decisive.value) : null
      },
      list: () =>
        pageOfPools(context, async (host) => {
          const [volumes, machines] = [await volumesOn(host), await machinesOn(host)]
          const names = new Set(volumes.map(({ ref }) => ref.name))
          return volumes
            .filter(({ ref }) => !isPart(ref.name))
            .map((each) => seenOf(foundOn(host, each, machines, names.has(makingName(each.ref.name)))))
        }),
    },
    {
      once: 'unique',
      settleMs: options.settleMs,
      check({ type }) {
        if (type !== null) refuse(`The cloud has no volume type ${type}.`)
      },
      async create(spec, mark) {
        if (spec.source && spec.source.kind !== 'image') return copies.create(spec, mark)
        const [option] = hostsFor(context, spec.zone, mark.token)
        return seenOf(await onHost(context, option, (host) => create(context, host, spec, mark)))
      },
      poll: (task) => copies.poll(task),
      async update(found, { sizeGiB }) {
        const { volume: own, holder } = found
        const capacity = sizeGiB * GIB
        if (capacity < own.capacity) refuse('A volume grows, and never shrinks.')
        if (capacity === own.capacity) return seenOf(found)
        if (holder) throw new CloudError('conflict', 'The volume is attached to a server.')
        const now = await change(found, async (host) => {
          await assertUnused(host, own, await machinesOn(host))
          await host.call(RESIZE_VOLUME, { volume: own.ref, capacity, flags: 0 })
        })
        if (!now) throw gone(idOf(found))
        return now
      },
      async remove(found) {
        if (found.holder) throw new CloudError('conflict', 'The volume is attached to a server.')
        await change(found, async (host) => {
          if (!found.making) await assertUnused(host, found.volume, await machinesOn(host))
          await removeCopy(context, host, found.volume)
          if (found.volume.backing !== null) await sweepImages(context, host)
        })
      },
      removeRest: (mark) => copies.removeRest(mark),
      read(found) {
        const { name = '', sizeGiB, zone = '' } = seenOf(found)
        return reading({ name, sizeGiB, zone, type: null, source: null })
      },
    },
  )
}
