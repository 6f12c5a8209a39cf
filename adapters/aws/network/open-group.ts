import { CreateSecurityGroupCommand, DeleteSecurityGroupCommand, type SecurityGroup } from '@aws-sdk/client-ec2'
import type { NativeId, SecurityRule } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { orEarlier, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { OPEN_GROUP, TAG, tagged } from '../marks.ts'
import { allPages } from '../wire/paging.ts'
import { applyRules, describeGroups } from './security-group.ts'

/*
 * Port security off. EC2 filters every interface, so that one without is in a group that lets everything pass: one of ours in
 * each VPC that has such interfaces. It stands for no security group of anybody, and carries no whole mark.
 */

const ANYTHING: Omit<SecurityRule, 'direction' | 'family'> = {
  protocol: null,
  min: null,
  max: null,
  cidr: null,
  group: null,
}
const EVERYTHING: SecurityRule[] = (['ingress', 'egress'] as const).flatMap((direction) =>
  ([4, 6] as const).map((family) => ({ direction, family, ...ANYTHING })),
)

const ours = ({ connection }: Context, vpc: NativeId | null): Parameters<typeof describeGroups>[1] => [
  { Name: 'group-name', Values: [OPEN_GROUP] },
  { Name: `tag:${TAG.deployment}`, Values: [connection.deployment] },
  ...(vpc === null ? [] : [{ Name: 'vpc-id', Values: [vpc] }]),
]

const find = async (context: Context, vpc: NativeId | null): Promise<SecurityGroup[]> =>
  allPages(describeGroups(context, ours(context, vpc)))

/** The group of a VPC that lets everything pass, made when it is first needed. Its id. */
export const openGroup = async (context: Context, vpc: NativeId): Promise<NativeId> => {
  const there = async (): Promise<SecurityGroup | null> => (await find(context, vpc))[0] ?? null
  const make = async (): Promise<SecurityGroup | null> => {
    const { GroupId } = await context.ec2.send(
      new CreateSecurityGroupCommand({
        GroupName: OPEN_GROUP,
        Description: 'Ports without port security',
        VpcId: vpc,
        TagSpecifications: tagged([{ Key: TAG.deployment, Value: context.connection.deployment }], 'security-group'),
      }),
    )
    return (await there()) ?? { GroupId }
  }
  const group = (await there()) ?? (await orEarlier('InvalidGroup.Duplicate', make, there))
  if (!group?.GroupId) throw new CloudError('ambiguous', 'The cloud does not show the group that it just made.')
  await applyRules(context, group, EVERYTHING)
  return group.GroupId
}

/** Removes the open groups that no interface is in any more, of one VPC or (null) of all. */
export const dropOpenGroups = async (context: Context, vpc: NativeId | null): Promise<void> => {
  for (const { GroupId } of await find(context, vpc))
    try {
      await unlessGone(() => context.ec2.send(new DeleteSecurityGroupCommand({ GroupId })))
    } catch (error) {
      if (!(error instanceof CloudError) || error.code !== 'conflict') throw error
    }
}
