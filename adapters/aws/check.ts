import {
  AllocateAddressCommand,
  CreateInternetGatewayCommand,
  CreateVolumeCommand,
  CreateVpcCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  DescribeVpcsCommand,
} from '@aws-sdk/client-ec2'
import type { CheckReport, Mark } from '../contract.ts'
import { asCloudError, type CloudError } from '../errors.ts'
import type { Context } from './context.ts'
import { tagged, tagsFor } from './marks.ts'
import type { Sts } from './wire/sts.ts'
import { zones } from './zones.ts'

/** Beyond this EC2 refuses signatures. */
const SKEW_MS = 5 * 60_000
/** The API version that the SDK speaks. */
const API_VERSION = '2016-11-15'

/** EC2 answers a permitted dry run with this error and a forbidden one with another. */
const PERMITTED = 'DryRunOperation'

/**
 * Asks the cloud who we are and, by dry runs, what we may do. Dry runs of create calls go to AWS only: another
 * endpoint may not know the flag and would create. Who only looks makes none of them.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html (DryRun)
 */
export const check = async (context: Context, sts: Sts, only?: 'looking'): Promise<CheckReport> => {
  const { ec2, connection, mapping } = context
  const report: CheckReport = {
    reachable: false,
    account: null,
    version: API_VERSION,
    clockSkewMs: null,
    denied: [],
    warnings: [],
  }
  const warn = (action: string, error: CloudError) => {
    report.reachable ||= error.detail.cloudCode !== undefined
    if (error.code === 'denied') report.denied.push(action)
    else report.warnings.push(`${action}: ${error.detail.cloudCode ?? error.message}`)
  }
  const attempt = async <T>(action: string, call: () => Promise<T>): Promise<T | undefined> => {
    try {
      const answer = await call()
      report.reachable = true
      return answer
    } catch (raw) {
      const error = asCloudError(raw)
      if (error.detail.cloudCode === PERMITTED) report.reachable = true
      else warn(action, error)
      return undefined
    }
  }

  report.account = (await attempt('GetCallerIdentity', () => sts.account())) ?? null
  const places = await attempt('DescribeAvailabilityZones', () => zones(context))
  if (!report.reachable) return report
  const DryRun = true
  const reads = [
    new DescribeInstancesCommand({ DryRun }),
    new DescribeInstanceTypesCommand({ DryRun }),
    new DescribeImagesCommand({ DryRun, Owners: ['self'] }),
    new DescribeVpcsCommand({ DryRun }),
    new DescribeSubnetsCommand({ DryRun }),
    new DescribeSecurityGroupsCommand({ DryRun }),
    new DescribeNetworkInterfacesCommand({ DryRun }),
    new DescribeVolumesCommand({ DryRun }),
    new DescribeSnapshotsCommand({ DryRun, OwnerIds: ['self'] }),
  ]
  for (const command of reads) await attempt(nameOf(command), () => ec2.send(command as DescribeVpcsCommand))
  if (connection.endpoint === null && only !== 'looking') {
    const mark: Mark = {
      deployment: connection.deployment,
      project: '',
      kind: 'network',
      resource: '-',
      token: '-',
      epoch: 0,
    }
    const tags = tagsFor(mark, '')
    const writes = [
      new CreateVpcCommand({ DryRun, CidrBlock: '10.0.0.0/28', TagSpecifications: tagged(tags, 'vpc') }),
      new CreateInternetGatewayCommand({ DryRun, TagSpecifications: tagged(tags, 'internet-gateway') }),
      new AllocateAddressCommand({ DryRun, Domain: 'vpc', TagSpecifications: tagged(tags, 'elastic-ip') }),
      new CreateVolumeCommand({
        DryRun,
        AvailabilityZone: places?.[0]?.name,
        Size: 1,
        TagSpecifications: tagged(tags, 'volume'),
      }),
    ]
    for (const command of writes) await attempt(nameOf(command), () => ec2.send(command as CreateVpcCommand))
  }
  if (mapping.vpc) {
    const Filters = [{ Name: 'vpc-id', Values: [mapping.vpc] }]
    const found = await attempt('DescribeVpcs', () => ec2.send(new DescribeVpcsCommand({ Filters })))
    if (found && !found.Vpcs?.length) report.warnings.push(`The VPC ${mapping.vpc} of the mapping does not exist.`)
  }
  report.clockSkewMs = ec2.skewMs()
  if (Math.abs(report.clockSkewMs ?? 0) > SKEW_MS) report.warnings.push("The cloud's clock and ours differ too much.")
  return report
}

const nameOf = (command: object): string => command.constructor.name.replace(/Command$/, '')
