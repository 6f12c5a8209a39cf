import {
  AttachNetworkInterfaceCommand,
  DescribeNetworkInterfacesCommand,
  DetachNetworkInterfaceCommand,
  type NetworkInterface,
} from '@aws-sdk/client-ec2'
import type { InterfaceSpec, Realm, Seen } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { refuse } from '../errors.ts'
import { assertOurs } from '../marks.ts'
import { ourInstance } from '../records/instance.ts'
import { ports } from '../records/port.ts'
import { gone, unlessGone } from '../records/reader.ts'
import { onePage } from '../wire/paging.ts'

/** Made of both ends, like a volume's attachment. */
const idOf = (server: string, port: string): string => `${server}/${port}`

const healthOf = (state: string | undefined): Seen['health'] => {
  switch (state) {
    case 'attached':
    case undefined:
      return 'ready'
    case 'detached':
      return 'gone'
    default:
      return 'pending'
  }
}

const seenIn = (eni: NetworkInterface): Seen[] =>
  eni.Attachment?.InstanceId
    ? [
        {
          id: idOf(eni.Attachment.InstanceId, eni.NetworkInterfaceId ?? ''),
          health: healthOf(eni.Attachment.Status),
          zone: eni.AvailabilityZone,
        },
      ]
    : []

/**
 * A port plugged into a running server, at the next free device index. The interface that a server was started with
 * first stays in it: EC2 cannot detach it.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachNetworkInterface.html (a port attaches once)
 */
export const networkInterface = (context: Context): Realm<InterfaceSpec> => {
  const { ec2, options, connection } = context
  const enis = ports(context)

  const get = async (id: string): Promise<Seen | null> => {
    const eni = await enis.raw(id.split('/')[1] ?? '')
    return (eni && seenIn(eni).find((seen) => seen.id === id)) ?? null
  }

  return {
    once: 'unique',
    settleMs: options.settleMs,
    get,
    find: (_mark, spec) => get(idOf(spec.server, spec.port)),
    async list(cursor) {
      const page = await onePage(async (paging) => {
        const answer = await ec2.send(new DescribeNetworkInterfacesCommand(paging))
        return { items: answer.NetworkInterfaces ?? [], NextToken: answer.NextToken }
      }, cursor)
      return { ...page, items: page.items.flatMap(seenIn) }
    },
    async create(spec) {
      const eni = await enis.ours(spec.port)
      if (!eni) throw gone(spec.port)
      const id = idOf(spec.server, spec.port)
      const [present] = seenIn(eni)
      if (present?.id === id) return present
      if (present) throw new CloudError('conflict', 'The port is plugged into another server.')
      const instance = await ourInstance(context, spec.server)
      const taken = (instance.NetworkInterfaces ?? []).map((item) => item.Attachment?.DeviceIndex)
      let DeviceIndex = 1
      while (taken.includes(DeviceIndex)) DeviceIndex++
      await ec2.send(
        new AttachNetworkInterfaceCommand({
          InstanceId: spec.server,
          NetworkInterfaceId: spec.port,
          DeviceIndex,
        }),
      )
      return (await get(id)) ?? { id, health: 'pending', zone: eni.AvailabilityZone }
    },
    async remove(id) {
      const eni = await enis.raw(id.split('/')[1] ?? '')
      const present = eni && seenIn(eni).find((seen) => seen.id === id && seen.health !== 'gone')
      if (!eni || !present || eni.Attachment?.Status === 'detaching') return
      assertOurs(eni.TagSet, connection.deployment)
      if (eni.Attachment?.DeviceIndex === 0) refuse('The first interface of a server on this cloud stays in it.')
      const AttachmentId = eni.Attachment?.AttachmentId
      await unlessGone(() => ec2.send(new DetachNetworkInterfaceCommand({ AttachmentId })))
    },
  }
}
