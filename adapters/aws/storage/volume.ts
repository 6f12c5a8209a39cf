import {
  CreateVolumeCommand,
  DeleteVolumeCommand,
  type VolumeType as EbsType,
  ModifyVolumeCommand,
  type Volume,
} from '@aws-sdk/client-ec2'
import { type Reading, type Realm, reading, type VolumeSeen, type VolumeSpec, type VolumeType } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { markedRealm } from '../../shared/realm.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { tagged, tagsFor, tagValue } from '../marks.ts'
import { images, rootDisk } from '../records/image.ts'
import { rename } from '../records/reader.ts'
import { modifying, volumes } from '../records/volume.ts'

/** No call lists the types. Provisioned IOPS (`io1`, `io2`) ask for a number that nothing above the line knows. */
export const sizedTypes: EbsType[] = ['gp3', 'gp2', 'st1', 'sc1', 'standard']
const typeFor = (type: string): EbsType => {
  if (type === 'io1' || type === 'io2') refuse(`Volumes of type ${type} need a number of IOPS and are not offered.`)
  return sizedTypes.find((each) => each === type) ?? refuse(`The cloud has no volume type ${type}.`)
}

/** https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html */
export const volumeTypes = (): VolumeType[] => sizedTypes.map((name) => ({ name }))

/** The snapshot that a volume starts as; undefined: it starts empty. */
const snapshotFor = async (context: Context, source: VolumeSpec['source']): Promise<string | undefined> => {
  switch (source?.kind) {
    case undefined:
      return undefined
    case 'snapshot':
      return source!.id
    case 'image': {
      const found = await images(context).raw(source!.id)
      if (!found) throw gone(source!.id)
      return rootDisk(found)?.SnapshotId ?? refuse('The image has no disk to make a volume from.')
    }
    case 'volume':
      return refuse('This cloud copies no volume directly; make a snapshot of it first.')
  }
}

/** A volume as it would have been asked for, whoever made it. */
const readVolume = (found: Volume): Reading<VolumeSpec> | null => {
  if (found.State === 'deleted') return null
  if ((found.Attachments ?? []).length > 1) refuse('The volume is attached to several servers.')
  return reading<VolumeSpec>({
    name: tagValue(found.Tags, 'Name') || found.VolumeId || '',
    sizeGiB: found.Size ?? 0,
    zone: found.AvailabilityZone ?? '',
    type: found.VolumeType ?? null,
    source: found.SnapshotId ? { kind: 'snapshot', id: found.SnapshotId } : null,
  })
}

/**
 * An EBS volume. From an image it starts as a copy of the image's root snapshot.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html (GiB; ClientToken)
 */
export const volume = (context: Context): Realm<VolumeSpec, VolumeSeen> => {
  const { ec2, options, connection } = context
  const disks = volumes(context)
  return markedRealm<VolumeSpec, VolumeSeen, Volume>(connection, disks, {
    once: 'token',
    settleMs: options.settleMs,
    async create(spec, mark) {
      const made = await ec2.send(
        new CreateVolumeCommand({
          ClientToken: mark.token,
          AvailabilityZone: spec.zone,
          Size: spec.sizeGiB,
          VolumeType: typeFor(spec.type ?? options.volumeType),
          SnapshotId: await snapshotFor(context, spec.source),
          ...(options.encryptVolumes ? { Encrypted: true } : {}),
          TagSpecifications: tagged(tagsFor(mark, spec.name), 'volume'),
        }),
      )
      return { ...(await disks.one(made)), mark, name: spec.name }
    },
    async update(found, spec) {
      const { VolumeId = '', Size = 0 } = found
      if (spec.sizeGiB < Size) refuse('Volumes on this cloud do not shrink.')
      const VolumeType = spec.type === null || spec.type === found.VolumeType ? undefined : typeFor(spec.type)
      if (spec.sizeGiB > Size || VolumeType) {
        // While an earlier change runs, DescribeVolumes still shows the old size.
        if (!(await modifying(context)).has(VolumeId)) {
          await ec2.send(new ModifyVolumeCommand({ VolumeId, Size: spec.sizeGiB, VolumeType }))
        }
      }
      await rename(context, VolumeId, found.Tags, spec.name)
      return disks.again(VolumeId)
    },
    async remove({ VolumeId, State }) {
      if (State === 'deleting' || State === 'deleted') return
      if (State === 'in-use') throw new CloudError('conflict', 'The volume is still attached to a server.')
      await ec2.send(new DeleteVolumeCommand({ VolumeId }))
    },
    read: readVolume,
  })
}
