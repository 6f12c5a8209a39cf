import type { Mark } from '../../contract.ts'
import { orEarlier, unlessGone } from '../../shared/refusals.ts'
import { escapeXml } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { poolNamed, type Volume, volumeNamed } from '../records/volume.ts'
import { type Part, partIn, partName } from '../records/volume-name.ts'
import { sweepImages } from '../storage/image-volume.ts'
import { filesOn } from '../storage/pool.ts'
import type { Host } from '../wire/host.ts'
import { CREATE_VOLUME, DELETE_VOLUME, LIST_VOLUMES, type PoolRef, type VolumeRef } from '../wire/procedures.ts'
import { writeInto } from '../wire/transfer.ts'
import { removeLog } from './log.ts'

/** Where the parts of a server are. */
export interface Home {
  pool: PoolRef
  folder: string
  /** What a part is called there. */
  nameOf(part: Part): string
}

/** The place for the parts of a server with that mark on a host. */
export const homeOf = async (context: Context, host: Host, mark: Mark): Promise<Home> => {
  const { ref: pool, folder } = await filesOn(host, context.options.pool)
  return { pool, folder, nameOf: (part) => partName(mark, part, { host: host.name, pool: pool.name }) }
}

const make = async (host: Host, { pool, nameOf }: Home, part: Part, inside: string): Promise<Volume> => {
  const name = nameOf(part)
  const xml = `<volume><name>${escapeXml(name)}</name><allocation unit="bytes">0</allocation>${inside}</volume>`
  const found = () => volumeNamed(host, pool.name, name)
  const made = await orEarlier(
    'VIR_ERR_STORAGE_VOL_EXIST',
    async () => {
      await host.call(CREATE_VOLUME, { pool, xml, flags: 0 })
      return found()
    },
    found,
  )
  return made ?? Promise.reject(new Error(`${name} is gone at once`))
}

/** A disk that has of an image all that is not written to it. @param below the path of the image */
export const makeRoot = (host: Host, home: Home, bytes: number, below: string): Promise<Volume> =>
  make(
    host,
    home,
    'root',
    `<capacity unit="bytes">${bytes}</capacity><target><format type="qcow2"/></target><backingStore><path>${escapeXml(below)}</path><format type="qcow2"/></backingStore>`,
  )

/** A file of these bytes: as nothing has read it yet, it is written anew wherever an earlier call may not have come to its end. */
export const makeFile = async (host: Host, home: Home, part: Part, bytes: Uint8Array): Promise<void> => {
  const { ref } = await make(
    host,
    home,
    part,
    `<capacity unit="bytes">${bytes.length}</capacity><target><format type="raw"/></target>`,
  )
  if (bytes.length) await writeInto(host, ref, 0, [bytes])
}

/** Takes away what the server with that UUID had for itself, and with it images that nobody has any more. */
export const removeParts = async (context: Context, host: Host, uuid: string): Promise<void> => {
  const { options, connection } = context
  await removeLog(context, host, uuid)
  const pool = await poolNamed(host, options.pool)
  if (!pool) return
  const { ref } = pool
  const place = { host: host.name, pool: ref.name }
  const isOwn = ({ name }: VolumeRef): boolean => {
    const mark = partIn(name, place)?.mark
    return mark?.resource === uuid && mark.deployment === connection.deployment
  }
  const own = (await host.call(LIST_VOLUMES, { pool: ref, wanted: 1, flags: 0 })).items.filter(isOwn)
  if (!own.length) return
  for (const volume of own) await unlessGone(() => host.call(DELETE_VOLUME, { volume, flags: 0 }))
  await sweepImages(context, host)
}
