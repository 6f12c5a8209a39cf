import {
  AttachNetworkInterfaceCommand,
  DescribeNetworkInterfacesCommand,
  DetachNetworkInterfaceCommand,
  type NetworkInterface,
} from '@aws-sdk/client-ec2'
import type { InterfaceSpec, Realm, Seen } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { assertOurs } from '../../shared/marks.ts'
import { pairIds, pairRealm } from '../../shared/pair-realm.ts'
import { refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { ourInstance } from '../records/instance.ts'
import { ports } from '../records/port.ts'
import { onePage } from '../wire/paging.ts'

const { idOf, endsOf } = pairIds('/')

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
  const raw = (id: string) => enis.raw(endsOf(id).other)

  return pairRealm<InterfaceSpec, Seen, NetworkInterface>({
    settleMs: options.settleMs,
    idOf: ({ server, port }) => idOf(server, port),
    raw,
    seenIn,
    page: (cursor) =>
      onePage(async (paging) => {
        const answer = await ec2.send(new DescribeNetworkInterfacesCommand(paging))
        return { items: answer.NetworkInterfaces ?? [], NextToken: answer.NextToken }
      }, cursor),
    async join(spec, id) {
      const eni = await enis.ours(spec.port)
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
      const made = (await raw(id)) ?? eni
      return seenIn(made).find((seen) => seen.id === id) ?? { id, health: 'pending', zone: eni.AvailabilityZone }
    },
    async part(eni) {
      const { AttachmentId, DeviceIndex, Status } = eni.Attachment ?? {}
      if (Status === 'detaching') return
      assertOurs(enis.markOf(eni), connection.deployment)
      if (DeviceIndex === 0) refuse('The first interface of a server on this cloud stays in it.')
      await unlessGone(() => ec2.send(new DetachNetworkInterfaceCommand({ AttachmentId })))
    },
  })
}
