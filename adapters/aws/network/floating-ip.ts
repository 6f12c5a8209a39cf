import {
  type Address,
  AllocateAddressCommand,
  AssociateAddressCommand,
  DescribeAddressesCommand,
  DisassociateAddressCommand,
  ReleaseAddressCommand,
} from '@aws-sdk/client-ec2'
import { type FloatingIpSeen, type FloatingIpSpec, type Realm, reading } from '../../contract.ts'
import { markedRealm } from '../../shared/realm.ts'
import { unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { tagged, tagsFor } from '../marks.ts'
import { markOf, type Reader, reader } from '../records/reader.ts'
import { resume, setUp } from '../records/steps.ts'

const addressesIn = (context: Context): Reader<Address, FloatingIpSeen> =>
  reader<Address, FloatingIpSeen>(context, {
    idFilter: 'allocation-id',
    idOf: (address) => address.AllocationId,
    tags: (address) => address.Tags,
    describe: (Filters) => async () => ({
      items: (await context.ec2.send(new DescribeAddressesCommand({ Filters }))).Addresses ?? [],
    }),
    seen: (found) =>
      found.map((address) => ({
        id: address.AllocationId ?? '',
        mark: markOf(context, address.Tags),
        health: 'ready',
        address: address.PublicIp ?? '',
        port: address.NetworkInterfaceId || null,
      })),
  })

/**
 * An elastic IP address. It leads to a private address of an interface in a VPC that has an internet gateway.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html (no ClientToken)
 * DescribeAddresses is not paged.
 */
export const floatingIp = (context: Context): Realm<FloatingIpSpec, FloatingIpSeen> => {
  const { ec2, options, connection } = context
  const addresses = addressesIn(context)

  const disassociate = async ({ AssociationId }: Address): Promise<void> => {
    if (AssociationId) await unlessGone(() => ec2.send(new DisassociateAddressCommand({ AssociationId })))
  }

  const realm: Realm<FloatingIpSpec, FloatingIpSeen> = markedRealm<FloatingIpSpec, FloatingIpSeen, Address>(
    connection,
    addresses,
    {
      once: 'none',
      settleMs: options.settleMs,
      async create(spec, mark) {
        const made = await ec2.send(
          new AllocateAddressCommand({ Domain: 'vpc', TagSpecifications: tagged(tagsFor(mark, ''), 'elastic-ip') }),
        )
        const id = made.AllocationId!
        return spec.target
          ? setUp(context, realm, id, spec)
          : { id, mark, health: 'ready', address: made.PublicIp ?? '', port: null }
      },
      poll: (task) => resume(realm, task),
      async update(address, { target }) {
        const { AllocationId = '', NetworkInterfaceId, PrivateIpAddress } = address
        const there =
          NetworkInterfaceId === target?.port && (!target || !PrivateIpAddress || PrivateIpAddress === target.address)
        if (!target) await disassociate(address)
        else if (!there) {
          await ec2.send(
            new AssociateAddressCommand({
              AllocationId,
              NetworkInterfaceId: target.port,
              PrivateIpAddress: target.address,
              AllowReassociation: true,
            }),
          )
        }
        return addresses.again(AllocationId)
      },
      async remove(address) {
        await disassociate(address)
        await ec2.send(new ReleaseAddressCommand({ AllocationId: address.AllocationId }))
      },
      read: ({ NetworkInterfaceId: port, PrivateIpAddress: address }) =>
        reading({ target: port && address ? { port, address } : null }),
    },
  )
  return realm
}
