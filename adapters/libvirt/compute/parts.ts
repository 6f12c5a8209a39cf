import type { Mark } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { orEarlier, unlessGone } from '../../shared/refusals.ts'
import { escapeXml } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { poolsOn, stoppedPoolsOn, type Volume, volumeNamed } from '../records/volume.ts'
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

/**
 * @param noted the pool that is said to have parts of a server; absent: nobody knows
 * @param usual where parts of new servers go; null: wherever there is one pool
 * @throws `conflict` while that is not started: nobody knows what is in it
 */
const assertStarted = async (host: Host, noted: string | undefined, usual: string | null): Promise<void> => {
  const isMeant = ({ name }: PoolRef): boolean => name === (noted ?? usual)
  if ((await poolsOn(host)).some(isMeant)) return
  if (noted === undefined && !(await stoppedPoolsOn(host)).some(isMeant)) return
  throw new CloudError('conflict', 'The storage of the server is not there at the moment.', {
    operatorMessage: `Pool ${noted ?? usual} of host ${host.name} is not started.`,
  })
}

/**
 * The place for the parts of a server with that mark on a host.
 * @param noted the pool in which they are; absent: there are none yet
 * @throws `conflict` while that is not started
 */
export const homeOf = async (context: Context, host: Host, mark: Mark, noted?: string): Promise<Home> => {
  if (noted !== undefined) await assertStarted(host, noted, null)
  const { ref: pool, folder } = await filesOn(host, noted ?? context.options.pool)
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
export const makeDisk = (
  host: Host,
  home: Home,
  part: 'root' | 'rescue',
  bytes: number,
  below: string,
): Promise<Volume> =>
  make(
    host,
    home,
    part,
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

/**
 * Takes away what the server with that UUID had for itself, in whichever pool, and with it images that nobody has any more.
 * @param noted the pool in which it is said to be; absent: nobody knows any more
 * @throws `conflict` while that, or the one for new servers, is not started
 */
export const removeParts = async (context: Context, host: Host, uuid: string, noted?: string): Promise<void> => {
  const { options, connection } = context
  await assertStarted(host, noted, options.pool)
  await removeLog(context, host, uuid)
  let removed = false
  for (const pool of await poolsOn(host)) {
    const place = { host: host.name, pool: pool.name }
    const isOwn = ({ name }: VolumeRef): boolean => {
      const mark = partIn(name, place)?.mark
      return mark?.resource === uuid && mark.deployment === connection.deployment
    }
    const { items } = await host.call(LIST_VOLUMES, { pool, wanted: 1, flags: 0 })
    for (const volume of items.filter(isOwn)) {
      await unlessGone(() => host.call(DELETE_VOLUME, { volume, flags: 0 }))
      removed = true
    }
  }
  if (removed) await sweepImages(context, host)
}
