import {
  CreateVolumeCommand,
  DeleteVolumeCommand,
  type VolumeType as EbsType,
  ModifyVolumeCommand,
} from '@aws-sdk/client-ec2'
import { type Realm, reading, type VolumeSeen, type VolumeSpec, type VolumeType } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { refuse } from '../errors.ts'
import { assertOurs, tagged, tagsFor, tagValue } from '../marks.ts'
import { images, rootDisk } from '../records/image.ts'
import { gone, rename, unlessGone } from '../records/reader.ts'
import { modifying, volumes } from '../records/volume.ts'

/** No call lists the types. Provisioned IOPS (`io1`, `io2`) ask for a number that nothing above the line knows. */
const TYPES: EbsType[] = ['gp3', 'gp2', 'st1', 'sc1', 'standard']
const typeFor = (type: string): EbsType => {
  if (type === 'io1' || type === 'io2') refuse(`Volumes of type ${type} need a number of IOPS and are not offered.`)
  return TYPES.find((each) => each === type) ?? refuse(`The cloud has no volume type ${type}.`)
}

/** https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html */
export const volumeTypes = (): VolumeType[] => TYPES.map((name) => ({ name }))

/**
 * An EBS volume. From an image it starts as a copy of the image's root snapshot.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html (GiB; ClientToken)
 */
export const volume = (context: Context): Realm<VolumeSpec, VolumeSeen> => {
  const { ec2, options, connection } = context
  const disks = volumes(context)

  const snapshotFor = async (source: VolumeSpec['source']): Promise<string | undefined> => {
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

  return {
    once: 'token',
    settleMs: options.settleMs,
    find: disks.find,
    get: disks.get,
    list: disks.list,
    mark: disks.mark,
    async read(id) {
      const found = await disks.raw(id)
      if (!found || found.State === 'deleted') return null
      if ((found.Attachments ?? []).length > 1) refuse('The volume is attached to several servers.')
      return reading({
        name: tagValue(found.Tags, 'Name') || id,
        sizeGiB: found.Size ?? 0,
        zone: found.AvailabilityZone ?? '',
        type: found.VolumeType ?? null,
        source: found.SnapshotId ? { kind: 'snapshot', id: found.SnapshotId } : null,
      })
    },
    async create(spec, mark) {
      const made = await ec2.send(
        new CreateVolumeCommand({
          ClientToken: mark.token,
          AvailabilityZone: spec.zone,
          Size: spec.sizeGiB,
          VolumeType: typeFor(spec.type ?? options.volumeType),
          SnapshotId: await snapshotFor(spec.source),
          ...(options.encryptVolumes ? { Encrypted: true } : {}),
          TagSpecifications: tagged(tagsFor(mark, spec.name), 'volume'),
        }),
      )
      return { ...(await disks.one(made)), mark, name: spec.name }
    },
    async update(id, spec) {
      const found = await disks.raw(id)
      if (!found) throw gone(id)
      assertOurs(found.Tags, connection.deployment)
      const size = found.Size ?? 0
      if (spec.sizeGiB < size) refuse('Volumes on this cloud do not shrink.')
      const VolumeType = spec.type === null || spec.type === found.VolumeType ? undefined : typeFor(spec.type)
      if (spec.sizeGiB > size || VolumeType) {
        // While an earlier change runs, DescribeVolumes still shows the old size.
        if (!(await modifying(context)).has(id)) {
          await ec2.send(new ModifyVolumeCommand({ VolumeId: id, Size: spec.sizeGiB, VolumeType }))
        }
      }
      await rename(context, id, found.Tags, spec.name)
      return disks.again(id)
    },
    async remove(id, mark) {
      const found = await disks.ours(id, mark)
      if (!found || found.State === 'deleting' || found.State === 'deleted') return
      if (found.State === 'in-use') throw new CloudError('conflict', 'The volume is still attached to a server.')
      await unlessGone(() => ec2.send(new DeleteVolumeCommand({ VolumeId: id })))
    },
  }
}
