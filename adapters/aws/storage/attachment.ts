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
import { assertOurs } from '../../shared/marks.ts'
import { pairIds, pairRealm } from '../../shared/pair-realm.ts'
import { refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { BOOT_TAG, tagValue } from '../marks.ts'
import { instances, ourInstance } from '../records/instance.ts'
import { volumes } from '../records/volume.ts'
import { onePage } from '../wire/paging.ts'

const { idOf, endsOf } = pairIds('/')

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
const DEVICES = [...'fghijklmnop'].map((letter) => `/dev/sd${letter}`)

/** What a volume is called beside others. A wish that is no EC2 name, e.g. `/dev/vdb`, is a wish only, as in Nova. */
export const deviceNamed = (wish: string | null, taken: string[]): string | null =>
  wish && /^\/dev\/(sd|xvd)[b-y]/.test(wish) ? wish : (DEVICES.find((device) => !taken.includes(device)) ?? null)

/**
 * The device to attach at.
 * @throws `definitive` when all eleven are taken
 */
export const deviceFor = (wish: string | null, instance: Pick<Instance, 'BlockDeviceMappings'>): string => {
  const taken = (instance.BlockDeviceMappings ?? []).map(({ DeviceName = '' }) =>
    DeviceName.replace('/dev/xvd', '/dev/sd'),
  )
  return deviceNamed(wish, taken) ?? refuse('The server has no free device for a volume.')
}

/**
 * A volume in a server, for which EC2 has no object.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachVolume.html (a volume attaches once)
 */
export const attachment = (context: Context): Realm<AttachmentSpec, AttachmentSeen> => {
  const { ec2, options, connection } = context
  const disks = volumes(context)
  const raw = (id: string) => disks.raw(endsOf(id).other)

  return pairRealm<AttachmentSpec, AttachmentSeen, Volume>({
    settleMs: options.settleMs,
    idOf: ({ server, volume }) => idOf(server, volume),
    raw,
    seenIn,
    page: (cursor) =>
      onePage(async (paging) => {
        const answer = await ec2.send(new DescribeVolumesCommand(paging))
        return { items: answer.Volumes ?? [], NextToken: answer.NextToken }
      }, cursor),
    async join(spec, id) {
      const volume = await disks.ours(spec.volume)
      const present = seenIn(volume).filter((seen) => seen.health !== 'gone')
      const same = present.find((seen) => seen.id === id)
      if (same) return same
      if (spec.boot) throw new CloudError('conflict', 'The server does not boot from the volume yet.')
      if (present.length > 0) throw new CloudError('conflict', 'The volume is attached to another server.')
      const instance = await ourInstance(context, spec.server)
      const Device = deviceFor(spec.device, instance)
      const made = await ec2.send(new AttachVolumeCommand({ InstanceId: spec.server, VolumeId: spec.volume, Device }))
      return { id, health: healthOf(made), zone: volume.AvailabilityZone, device: made.Device ?? Device }
    },
    async part(volume, id) {
      const { server: InstanceId, other: VolumeId } = endsOf(id)
      const state = volume.Attachments?.find((item) => item.InstanceId === InstanceId)?.State
      if (state === 'detaching') return
      const mark = disks.markOf(volume)
      assertOurs(mark, connection.deployment)
      if (mark?.kind !== 'volume') refuse('The root disk of a server stays in it.')
      const holder = InstanceId && (await instances(context).raw(InstanceId))
      if (holder && tagValue(holder.Tags, BOOT_TAG) === VolumeId) refuse('The server boots from the volume.')
      await unlessGone(() => ec2.send(new DetachVolumeCommand({ InstanceId, VolumeId })))
    },
    async read(id) {
      const volume = await raw(id)
      const seen = volume && seenIn(volume).find((each) => each.id === id)
      const { server, other } = endsOf(id)
      return seen ? reading({ server, volume: other, device: seen.device }) : null
    },
  })
}
