import { type Reading, reading, type ServerSpec } from '../../contract.ts'
import { readGrouping } from '../../shared/grouping.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { inventoryOf, zoneOf } from '../inventory.ts'
import { KEY, plainName } from '../marks.ts'
import { sizeOf } from '../offers.ts'
import { rootDisk } from '../records/devices.ts'
import type { Machine } from '../records/machine.ts'
import { portsIn } from '../records/port-record.ts'

const metadataIn = (text: string | undefined): Record<string, string> => {
  try {
    return JSON.parse(text ?? '{}') as Record<string, string>
  } catch {
    return {}
  }
}

/** A machine as it would have been asked for, whoever made it. What its guest was told stays with whoever wrote it. */
export const readServer = async (context: Context, machine: Machine): Promise<Reading<ServerSpec>> => {
  const root = rootDisk(machine.devices)
  const zone =
    zoneOf(await inventoryOf(context), machine.pool) ??
    refuse('The server is in no cluster that is a zone of this cloud.')
  const disks = machine.devices.filter(({ disk, key }) => disk && disk.disk === null && key !== root?.key)
  const size = {
    native: sizeOf(context, machine),
    vcpus: machine.cpus,
    ramMiB: machine.ramMiB,
    diskGiB: Math.floor((root?.disk?.capacityKiB ?? 0) / 1024 ** 2),
  }
  const boot = machine.own[KEY.boot]
  const spec: ServerSpec = {
    name: machine.own[KEY.name] ?? plainName(machine.name),
    size,
    image: machine.own[KEY.image] ?? '',
    zone,
    ports: portsIn(context, machine).map(({ seen }) => seen.id),
    keypair: null,
    publicKey: null,
    userData: null,
    metadata: metadataIn(machine.own[KEY.metadata]),
    configDrive: machine.own[KEY.drive] !== undefined,
    drive: null,
    fork: null,
    group: readGrouping(machine.own[KEY.grouping]),
    boot: boot ? { volume: boot, arch: 'x86_64' } : null,
  }
  const left = [
    ...(disks.length > 0 ? [`It has ${disks.length} more disks, which go with it.`] : []),
    ...(machine.annotation ? ['It has notes.'] : []),
  ]
  return reading(spec, { left })
}
