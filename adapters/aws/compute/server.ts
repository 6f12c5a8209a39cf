import {
  CreateTagsCommand,
  DeleteTagsCommand,
  GetConsoleOutputCommand,
  type Image,
  type Instance,
  type _InstanceType as InstanceType,
  RebootInstancesCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
  type VolumeType,
} from '@aws-sdk/client-ec2'
import type { Mark, NativeId, ServerRealm, ServerSeen, ServerSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { markedRealm } from '../../shared/realm.ts'
import { gone, refuse } from '../../shared/refusals.ts'
import { shelvedByPower } from '../../shared/shelved.ts'
import type { Context } from '../context.ts'
import { USER_DATA_BYTES } from '../limits.ts'
import { METADATA, METADATA_ITEMS, metadataTags, TAG, tagged, tagsFor, tagValue } from '../marks.ts'
import type { Options } from '../options.ts'
import { besidesRoot, images, rootDisk } from '../records/image.ts'
import { DRIVE, instances, ourInstance, unfinished } from '../records/instance.ts'
import { bootFrom } from './boot-from.ts'
import { beginning, clear, finish } from './finish.ts'
import { clearMakeshift, driveSnapshot, EMPTY, emptyImage } from './makeshift.ts'
import { readServer } from './read-server.ts'
import { rebuild } from './rebuild.ts'
import { resize } from './resize.ts'

/** Bytes that base64 text stands for. */
const decodedLength = (base64: string): number => Math.floor((base64.replaceAll(/[=\s]/g, '').length * 3) / 4)

/**
 * The RunInstances call for a spec: pure, so a repeated create says the same words.
 * @param drive the snapshot that its config drive is a copy of
 * @throws `definitive` for what EC2 cannot make as it is asked
 */
export const launch = (
  spec: ServerSpec,
  mark: Mark,
  image: Image,
  options: Options,
  drive: string | null = null,
): RunInstancesCommandInput => {
  const root = rootDisk(image)
  if (!root || !image.RootDeviceName) return refuse('The image does not boot from a volume.')
  const least = root.VolumeSize ?? 0
  const size = spec.size.diskGiB || least
  if (size < least) refuse(`The image needs a root disk of ${least} GiB.`)
  // Without an interface of ours EC2 would make one in its default VPC, in a group that nobody chose.
  if (spec.ports.length === 0) refuse('A server on this cloud needs a port.')
  if (spec.publicKey !== null && spec.keypair === null) refuse('The key has to be made on this cloud first.')
  if (spec.userData !== null && decodedLength(spec.userData) > USER_DATA_BYTES) {
    refuse(`User data on this cloud is ${USER_DATA_BYTES} bytes at most.`)
  }
  if (spec.group?.policy === 'affinity') refuse('This cloud keeps servers apart, and none together on one host.')
  const apart = spec.group?.policy === 'anti-affinity' ? spec.group.native : undefined
  if (apart === null) return refuse('The placement group has to be made on this cloud first.')
  return {
    ClientToken: mark.token,
    MinCount: 1,
    MaxCount: 1,
    ImageId: image.ImageId ?? spec.image,
    InstanceType: spec.size.native as InstanceType,
    // Soft policies are kept by the choice of the zone alone.
    Placement: { AvailabilityZone: spec.zone, ...(apart ? { GroupName: apart } : {}) },
    // Ports have a life of their own: they were made before the server and stay after it.
    NetworkInterfaces: spec.ports.map((NetworkInterfaceId, DeviceIndex) => ({
      NetworkInterfaceId,
      DeviceIndex,
      DeleteOnTermination: false,
    })),
    BlockDeviceMappings: [
      {
        DeviceName: image.RootDeviceName,
        Ebs: {
          DeleteOnTermination: true,
          VolumeType: options.volumeType as VolumeType,
          ...(size > 0 ? { VolumeSize: size } : {}),
          ...(options.encryptVolumes ? { Encrypted: true } : {}),
        },
      },
      // Images that were made of servers had all their disks once; what others put into theirs belongs to these.
      ...(tagValue(image.Tags, TAG.deployment) === undefined
        ? []
        : besidesRoot(image).filter(({ DeviceName }) => !(drive && DeviceName === DRIVE))),
      ...(drive
        ? [
            {
              DeviceName: DRIVE,
              Ebs: { SnapshotId: drive, DeleteOnTermination: true, VolumeType: options.volumeType as VolumeType },
            },
          ]
        : []),
    ],
    ...(spec.keypair ? { KeyName: spec.keypair } : {}),
    ...(spec.userData ? { UserData: spec.userData } : {}),
    MetadataOptions: { HttpEndpoint: 'enabled', HttpTokens: options.metadataTokens },
    // What is bought for once cannot stop: EC2 takes no word on how it shuts down.
    ...(spec.option === 'spot'
      ? {
          InstanceMarketOptions: {
            MarketType: 'spot',
            SpotOptions: { SpotInstanceType: 'one-time', InstanceInterruptionBehavior: 'terminate' },
          },
        }
      : { InstanceInitiatedShutdownBehavior: 'stop' }),
    TagSpecifications: [
      ...tagged([...tagsFor(mark, spec.name, spec.metadata), ...beginning(spec)], 'instance'),
      ...tagged(tagsFor(mark, spec.name), 'volume'),
    ],
  }
}

/** What the console shows, as far as the size keeps it. */
const consoleLog = async ({ ec2 }: Context, id: NativeId): Promise<string> => {
  const read = async (Latest: boolean) =>
    (await ec2.send(new GetConsoleOutputCommand({ InstanceId: id, ...(Latest ? { Latest } : {}) }))).Output ?? ''
  let output: string
  try {
    output = await read(true)
  } catch (error) {
    // Sizes without the Nitro hypervisor show only what they said shortly after they started.
    if (!(error instanceof CloudError && error.detail.cloudCode === 'UnsupportedOperation')) throw error
    output = await read(false)
  }
  return new TextDecoder().decode(Uint8Array.from(atob(output), (byte) => byte.charCodeAt(0)))
}

/** Makes the tags of a server show its name and metadata. */
const describe = async (
  context: Context,
  id: NativeId,
  { name, metadata }: { name: string; metadata: Record<string, string> },
): Promise<void> => {
  const { ec2 } = context
  const items = metadataTags(metadata)
  if (items.length > METADATA_ITEMS) refuse(`The cloud keeps ${METADATA_ITEMS} metadata items at most.`)
  const { Tags = [] } = await ourInstance(context, id)
  const wanted = [{ Key: 'Name', Value: name.slice(0, 256) }, ...items]
  const extra = Tags.filter(({ Key }) => Key?.startsWith(METADATA) && !wanted.some((tag) => tag.Key === Key))
  const changed = wanted.filter((tag) => !Tags.some(({ Key, Value }) => Key === tag.Key && Value === tag.Value))
  // Away first: both together might pass the limit of 50.
  if (extra.length > 0) {
    await ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: extra.map(({ Key }) => ({ Key })) }))
  }
  if (changed.length > 0) await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: changed }))
}

/** No other call with this token is going to make it. */
const isOver = (error: unknown): boolean =>
  error instanceof CloudError && ['capacity', 'definitive', 'denied'].includes(error.code)

/** Why the server was refused matters more than what could not be taken away: that is an orphan. */
const clearRefused = (context: Context, mark: Mark): Promise<void> =>
  clearMakeshift(context, mark).catch((error: Error) =>
    context.surroundings.log('warn', 'what a refused server was to begin with stays', { reason: error.message }),
  )

/**
 * A server is an instance that boots from an EBS volume of its own.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html (ClientToken)
 */
export const server = (context: Context): ServerRealm => {
  const { ec2, options, connection } = context
  const machines = instances(context)
  const realm = markedRealm<ServerSpec, ServerSeen, Instance>(connection, machines, {
    once: 'token',
    settleMs: options.settleMs,
    async create(spec, mark) {
      // What is there is given back: the image that it was made of may be gone by now.
      const earlier = spec.boot || spec.drive ? await machines.find(mark) : null
      if (earlier) return earlier
      const named = spec.boot ? EMPTY : await images(context).raw(spec.image)
      if (!named) throw gone(spec.image)
      // What cannot be asked for is refused before anything is made for it.
      launch(spec, mark, named, options)
      const run = async () => {
        const image = spec.boot ? await emptyImage(context, spec, mark) : named
        const drive = spec.drive ? await driveSnapshot(context, spec, mark) : null
        return ec2.send(new RunInstancesCommand(launch(spec, mark, image, options, drive)))
      }
      const { Instances } = await run().catch(async (error) => {
        if ((spec.boot || spec.drive) && isOver(error)) await clearRefused(context, mark)
        throw error
      })
      const [instance] = Instances ?? []
      if (!instance) throw new CloudError('ambiguous', 'The cloud did not give a clear answer.')
      return machines.one(instance)
    },
    async remove(instance) {
      const { InstanceId, State } = instance
      if (unfinished(instance)) await clear(context, instance)
      if (State?.Name === 'terminated' || State?.Name === 'shutting-down') return
      await ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId!] }))
    },
    read: (instance) => readServer(context, instance),
  })
  const power = {
    async start(id: NativeId) {
      await ourInstance(context, id)
      await ec2.send(new StartInstancesCommand({ InstanceIds: [id] }))
    },
    async stop(id: NativeId) {
      await ourInstance(context, id)
      await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
    },
  }
  return {
    ...realm,
    ...power,
    ...shelvedByPower({ get: realm.get, ...power }),
    /** Soft and hard are one call: EC2 asks the guest to restart and resets it if it has not within four minutes. */
    async reboot(id) {
      await ourInstance(context, id)
      await ec2.send(new RebootInstancesCommand({ InstanceIds: [id] }))
    },
    finish: (id) => finish(context, id),
    resize: (id, size, power) => resize(context, id, size, power),
    rebuild: (id, image, token) => rebuild(context, id, image, token),
    bootFrom: (id, volume, power) => bootFrom(context, id, volume, power),
    consoleLog: (id) => consoleLog(context, id),
    describe: (id, label) => describe(context, id, label),
  }
}
