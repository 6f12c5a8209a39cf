import type { ImageSeen } from '../../contract.ts'
import type { Context } from '../context.ts'
import { KEY, plainName } from '../marks.ts'
import { rootDisk } from './devices.ts'
import { type Machine, markOf } from './machine.ts'

/** For what does not say when it was made. */
export const UNDATED = '1970-01-01T00:00:00Z'

/** A machine as an image, whoever made it. One whose disks are not there yet is `pending`. */
export const imageSeen = (context: Context, machine: Machine): ImageSeen => {
  const mark = markOf(context, machine)
  return {
    id: machine.ref.id,
    ...(mark ? { mark } : {}),
    name: machine.own[KEY.name] ?? plainName(machine.name),
    health:
      machine.complete && machine.template
        ? machine.connection === 'invalid' || machine.connection === 'orphaned'
          ? 'failed'
          : 'ready'
        : 'pending',
    arch: /arm/i.test(machine.guestId) ? 'aarch64' : 'x86_64',
    minDiskGiB: Math.ceil((rootDisk(machine.devices)?.disk?.capacityKiB ?? 0) / 1024 ** 2),
    sizeBytes: machine.bytes,
    os: /^win/i.test(machine.guestId) ? 'windows' : 'linux',
    createdAt: machine.createdAt || (mark ? new Date(mark.epoch * 60_000).toISOString() : UNDATED),
    ...(machine.annotation ? { description: machine.annotation } : {}),
  }
}
