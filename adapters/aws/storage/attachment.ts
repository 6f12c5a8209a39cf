import {
  AttachVolumeCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  type Instance,
  type Volume,
  type VolumeAttachment,
} from '@aws-sdk/client-ec2'
import { type AttachmentSeen, type AttachmentSpec, type Realm, reading } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { refuse } from '../errors.ts'
import { assertOurs } from '../marks.ts'
import { ourInstance } from '../records/instance.ts'
import { gone, markOf, unlessGone } from '../records/reader.ts'
import { volumes } from '../records/volume.ts'
import { onePage } from '../wire/paging.ts'

/** EC2 has no object for an attachment: its native id is made of both ends. */
const idOf = (server: string, volume: string): string => `${server}/${volume}`
const ends = (id: string): { server: string; volume: string } => {
  const [server = '', volume = ''] = id.split('/')
  return { server, volume }
}

const healthOf = (attachment: VolumeAttachment): AttachmentSeen['health'] => {
  switch (attachment.State) {
    case 'attached':
    case undefined:
      return 'ready'
    case 'detached':
      return 'gone'
    default:
      return 'pending'
  }
}

const seenIn = (volume: Volume): AttachmentSeen[] =>
  (volume.Attachments ?? []).map((attachment) => ({
    id: idOf(attachment.InstanceId ?? '', volume.VolumeId ?? ''),
    health: healthOf(attachment),
    zone: volume.AvailabilityZone,
    device: attachment.Device ?? null,
  }))

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html recommends these for EBS volumes. */
export const DEVICES = [...'fghijklmnop'].map((letter) => `/dev/sd${letter}`)

/**
 * The device to attach at. A wish that is no EC2 name, e.g. `/dev/vdb`, is a wish only, as in Nova.
 * @throws `definitive` when all eleven are taken
 */
export const deviceFor = (wish: string | null, instance: Pick<Instance, 'BlockDeviceMappings'>): string => {
  if (wish && /^\/dev\/(sd|xvd)[b-z]/.test(wish)) return wish
  const taken = (instance.BlockDeviceMappings ?? []).map((mapping) =>
    mapping.DeviceName?.replace('/dev/xvd', '/dev/sd'),
  )
  return DEVICES.find((device) => !taken.includes(device)) ?? refuse('The server has no free device for a volume.')
}

/**
 * A volume in a server. It carries no mark of its own: both ends have to carry ours before anything changes.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachVolume.html (a volume attaches once)
 */
export const attachment = (context: Context): Realm<AttachmentSpec, AttachmentSeen> => {
  const { ec2, options, connection } = context
  const disks = volumes(context)

  const get = async (id: string): Promise<AttachmentSeen | null> => {
    const volume = await disks.raw(ends(id).volume)
    return (volume && seenIn(volume).find((seen) => seen.id === id)) ?? null
  }

  return {
    once: 'unique',
    settleMs: options.settleMs,
    get,
    find: (_mark, spec) => get(idOf(spec.server, spec.volume)),
    async read(id) {
      const seen = await get(id)
      return seen && reading({ ...ends(id), device: seen.device })
    },
    async list(cursor) {
      const page = await onePage(async (paging) => {
        const answer = await ec2.send(new DescribeVolumesCommand(paging))
        return { items: answer.Volumes ?? [], NextToken: answer.NextToken }
      }, cursor)
      return { ...page, items: page.items.flatMap(seenIn) }
    },
    async create(spec) {
      const volume = await disks.ours(spec.volume)
      if (!volume) throw gone(spec.volume)
      const id = idOf(spec.server, spec.volume)
      const present = seenIn(volume).filter((seen) => seen.health !== 'gone')
      const same = present.find((seen) => seen.id === id)
      if (same) return same
      if (present.length > 0) throw new CloudError('conflict', 'The volume is attached to another server.')
      const instance = await ourInstance(context, spec.server)
      const Device = deviceFor(spec.device, instance)
      const made = await ec2.send(new AttachVolumeCommand({ InstanceId: spec.server, VolumeId: spec.volume, Device }))
      return { id, health: healthOf(made), zone: volume.AvailabilityZone, device: made.Device ?? Device }
    },
    async remove(id) {
      const { server, volume } = ends(id)
      const found = await disks.raw(volume)
      const present = found && seenIn(found).find((seen) => seen.id === id && seen.health !== 'gone')
      const state = found?.Attachments?.find((item) => item.InstanceId === server)?.State
      if (!found || !present || state === 'detaching') return
      assertOurs(found.Tags, connection.deployment)
      if (markOf(context, found.Tags)?.kind !== 'volume') refuse('The root disk of a server stays in it.')
      await unlessGone(() => ec2.send(new DetachVolumeCommand({ InstanceId: server, VolumeId: volume })))
    },
  }
}
