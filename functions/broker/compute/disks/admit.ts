import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import { hourlyOfParts } from '../../../../db/queries/money/prices.ts'
import type { Context } from '../../../context.ts'
import { planAttachment, planMadeAttachment } from '../../block-storage/attachment.ts'
import { newVolumeRow, planVolume } from '../../block-storage/volume-create.ts'
import { stillOfType } from '../../block-storage/volume-types.ts'
import type { Write } from '../../line/commit.ts'
import type { Place } from '../server-facts.ts'
import type { Disk } from './disk.ts'

/** What volumes that are made with a server take of its project's limits. */
export const volumesCharged = (disks: Disk[]): { volumes: number; gigabytes: number } => {
  const sizes = disks.flatMap(({ made }) => made?.sizeGib ?? [])
  return { volumes: sizes.length, gigabytes: sizes.reduce((sum, size) => sum + size, 0) }
}

/** What an hour of the volumes that are made with a server costs on a cloud, in micros; what nobody prices counts nothing. */
export const disksHourly = async ({ db }: Context, disks: Disk[], cloudId: string): Promise<number> => {
  const types = Map.groupBy(
    disks.flatMap(({ made }) => made ?? []),
    ({ volumeType }) => volumeType,
  )
  let sum = 0
  for (const [type, made] of types) {
    const count = made.reduce((all, { sizeGib }) => all + sizeGib, 0)
    sum += (await hourlyOfParts(db, { what: 'disk', cloudId, type, count, before: 0 })).hourly ?? 0
  }
  return sum
}

/**
 * For the batch that admits a server: its volumes, those that are made with it and those that were there, and that they are
 * in it. Throws as `planAttachment`. Guards: `volume-size`, `volume-zone-closed`, `volume-status`, `type-moved`, `server-gone`.
 */
export const admitDisks = async (context: Context, server: ServerRow, disks: Disk[], at: Place): Promise<Write[]> => {
  const writes: Write[] = []
  for (const disk of disks) writes.push(...(await admitDisk(context, server, disk, at)))
  return writes
}

const admitDisk = async (context: Context, server: ServerRow, disk: Disk, at: Place): Promise<Write[]> => {
  const { volume, made, options } = disk
  if (volume) return (await planAttachment(context, server, volume, options)).writes
  const { image, type, ...wish } = made
  // As Nova's, they have no name.
  const named = { name: '', description: '', metadata: {}, sourceVolumeId: null, imageId: image?.id ?? null }
  const row = newVolumeRow(context, {
    ...wish,
    ...named,
    projectId: server.projectId,
    cloudId: at.cloudId,
    zone: at.zone,
  })
  const holds = type ? stillOfType(context, type) : []
  return [...holds, ...planVolume(context, row, image), ...planMadeAttachment(context, server, row, options)]
}
