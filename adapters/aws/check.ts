import {
  AllocateAddressCommand,
  CreateInternetGatewayCommand,
  CreateVolumeCommand,
  CreateVpcCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypesCommand,
  DescribeNetworkInterfacesCommand,
  DescribePlacementGroupsCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  DescribeVpcsCommand,
} from '@aws-sdk/client-ec2'
import type { CheckReport, Mark } from '../contract.ts'
import { checking } from '../shared/check.ts'
import type { Context } from './context.ts'
import { tagged, tagsFor } from './marks.ts'
import type { Sts } from './wire/sts.ts'
import { zones } from './zones.ts'

/** The API version that the SDK speaks. */
const API_VERSION = '2016-11-15'

/** EC2 answers a permitted dry run with this error and a forbidden one with another. */
const PERMITTED = 'DryRunOperation'

const DryRun = true
const READS = [
  new DescribeInstancesCommand({ DryRun }),
  new DescribeInstanceTypesCommand({ DryRun }),
  new DescribeImagesCommand({ DryRun, Owners: ['self'] }),
  new DescribeVpcsCommand({ DryRun }),
  new DescribeSubnetsCommand({ DryRun }),
  new DescribeSecurityGroupsCommand({ DryRun }),
  new DescribeNetworkInterfacesCommand({ DryRun }),
  new DescribeVolumesCommand({ DryRun }),
  new DescribePlacementGroupsCommand({ DryRun }),
  new DescribeSnapshotsCommand({ DryRun, OwnerIds: ['self'] }),
]

/** Calls that would make something with our mark, were they not dry. */
const writes = (deployment: string, zone: string | undefined) => {
  const mark: Mark = { deployment, project: '', kind: 'network', resource: '-', token: '-', epoch: 0 }
  const tags = tagsFor(mark, '')
  return [
    new CreateVpcCommand({ DryRun, CidrBlock: '10.0.0.0/28', TagSpecifications: tagged(tags, 'vpc') }),
    new CreateInternetGatewayCommand({ DryRun, TagSpecifications: tagged(tags, 'internet-gateway') }),
    new AllocateAddressCommand({ DryRun, Domain: 'vpc', TagSpecifications: tagged(tags, 'elastic-ip') }),
    new CreateVolumeCommand({ DryRun, AvailabilityZone: zone, Size: 1, TagSpecifications: tagged(tags, 'volume') }),
  ]
}

const nameOf = (command: object): string => command.constructor.name.replace(/Command$/, '')

/**
 * Asks the cloud who we are and, by dry runs, what we may do. Dry runs of create calls go to AWS only: another
 * endpoint may not know the flag and would create. Who only looks makes none of them.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html (DryRun)
 */
export const check = async (context: Context, sts: Sts, only?: 'looking'): Promise<CheckReport> => {
  const { ec2, connection, mapping } = context
  const { report, attempt, clock } = checking(API_VERSION, {
    why: ({ message, detail }) => detail.cloudCode ?? message,
    isAnswer: ({ detail }) => detail.cloudCode === PERMITTED,
  })

  report.account = (await attempt('GetCallerIdentity', () => sts.account())) ?? null
  const places = await attempt('DescribeAvailabilityZones', () => zones(context))
  if (!report.reachable) return report
  for (const command of READS) await attempt(nameOf(command), () => ec2.send(command as DescribeVpcsCommand))
  if (connection.endpoint === null && only !== 'looking') {
    for (const command of writes(connection.deployment, places?.[0]?.name))
      await attempt(nameOf(command), () => ec2.send(command as CreateVpcCommand))
  }
  if (mapping.vpc) {
    const Filters = [{ Name: 'vpc-id', Values: [mapping.vpc] }]
    const found = await attempt('DescribeVpcs', () => ec2.send(new DescribeVpcsCommand({ Filters })))
    if (found && !found.Vpcs?.length) report.warnings.push(`The VPC ${mapping.vpc} of the mapping does not exist.`)
  }
  clock(ec2.skewMs())
  return report
}
