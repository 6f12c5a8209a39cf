import {
  type Address,
  AllocateAddressCommand,
  AssociateAddressCommand,
  DescribeAddressesCommand,
  DisassociateAddressCommand,
  ReleaseAddressCommand,
} from '@aws-sdk/client-ec2'
import { type FloatingIpSeen, type FloatingIpSpec, type Realm, reading } from '../../contract.ts'
import type { Context } from '../context.ts'
import { assertOurs, tagged, tagsFor } from '../marks.ts'
import { gone, markOf, reader, unlessGone } from '../records/reader.ts'
import { resume, setUp } from '../records/steps.ts'

/**
 * An elastic IP address. It leads to a private address of an interface in a VPC that has an internet gateway.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html (no ClientToken)
 * DescribeAddresses is not paged.
 */
export const floatingIp = (context: Context): Realm<FloatingIpSpec, FloatingIpSeen> => {
  const { ec2, options, connection } = context
  const addresses = reader<Address, FloatingIpSeen>(context, {
    idFilter: 'allocation-id',
    tags: (address) => address.Tags,
    describe: (Filters) => async () => ({
      items: (await ec2.send(new DescribeAddressesCommand({ Filters }))).Addresses ?? [],
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

  const disassociate = async ({ AssociationId }: Address): Promise<void> => {
    if (AssociationId) await unlessGone(() => ec2.send(new DisassociateAddressCommand({ AssociationId })))
  }

  const update = async (id: string, { target }: FloatingIpSpec): Promise<FloatingIpSeen> => {
    const address = await addresses.raw(id)
    if (!address) throw gone(id)
    assertOurs(address.Tags, connection.deployment)
    const there =
      address.NetworkInterfaceId === target?.port &&
      (!target || !address.PrivateIpAddress || address.PrivateIpAddress === target.address)
    if (!target) await disassociate(address)
    else if (!there) {
      await ec2.send(
        new AssociateAddressCommand({
          AllocationId: id,
          NetworkInterfaceId: target.port,
          PrivateIpAddress: target.address,
          AllowReassociation: true,
        }),
      )
    }
    return addresses.again(id)
  }

  const steps = { get: addresses.get, update }
  return {
    once: 'none',
    settleMs: options.settleMs,
    find: addresses.find,
    get: addresses.get,
    list: addresses.list,
    mark: addresses.mark,
    async read(id) {
      const found = await addresses.raw(id)
      const { NetworkInterfaceId: port, PrivateIpAddress: address } = found ?? {}
      return found && reading({ target: port && address ? { port, address } : null })
    },
    update,
    poll: resume(steps),
    async create(spec, mark) {
      const made = await ec2.send(
        new AllocateAddressCommand({ Domain: 'vpc', TagSpecifications: tagged(tagsFor(mark, ''), 'elastic-ip') }),
      )
      const id = made.AllocationId!
      return spec.target
        ? setUp(context, steps, id, spec)
        : { id, mark, health: 'ready', address: made.PublicIp ?? '', port: null }
    },
    async remove(id, mark) {
      const address = await addresses.ours(id, mark)
      if (!address) return
      await disassociate(address)
      await unlessGone(() => ec2.send(new ReleaseAddressCommand({ AllocationId: id })))
    },
  }
}
