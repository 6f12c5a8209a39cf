import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  type Filter,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup,
} from '@aws-sdk/client-ec2'
import { type Realm, reading, type SecurityGroupSpec, type SecurityRule, type Seen } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { markedRealm } from '../../shared/realm.ts'
import { orEarlier, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { OPEN_GROUP, tagged, tagsFor, tagValue } from '../marks.ts'
import { markOf, type Reader, reader, rename } from '../records/reader.ts'
import { resume, setUp } from '../records/steps.ts'
import type { Ask } from '../wire/paging.ts'
import { readRules } from './read-rules.ts'
import { type Grant, grantsFor, grantsIn, permissionFor, printable } from './rules.ts'

const DIRECTIONS = ['ingress', 'egress'] as const

/** One Describe call for groups, of every kind. */
export const describeGroups =
  ({ ec2 }: Context, Filters: Filter[] | undefined): Ask<SecurityGroup> =>
  async (paging) => {
    const answer = await ec2.send(new DescribeSecurityGroupsCommand({ Filters, ...paging }))
    return { items: answer.SecurityGroups ?? [], NextToken: answer.NextToken }
  }

const groupsOf = (context: Context): Reader<SecurityGroup, Seen> =>
  reader<SecurityGroup, Seen>(context, {
    idFilter: 'group-id',
    idOf: (group) => group.GroupId,
    tags: (group) => group.Tags,
    // What lets everything pass for ports without port security is part of those.
    describe: (Filters) => async (paging) => {
      const { items, ...page } = await describeGroups(context, Filters)(paging)
      return { ...page, items: items.filter(({ GroupName }) => GroupName !== OPEN_GROUP) }
    },
    seen: (found) =>
      found.map((group) => ({
        id: group.GroupId ?? '',
        mark: markOf(context, group.Tags),
        name: tagValue(group.Tags, 'Name') ?? group.GroupName,
        health: 'ready',
      })),
  })

const revoke = async (
  { ec2 }: Context,
  GroupId: string,
  direction: Grant['direction'],
  grants: Grant[],
): Promise<void> => {
  if (grants.length === 0) return
  const input = { GroupId, IpPermissions: grants.map(permissionFor) }
  const answer = await (direction === 'ingress'
    ? ec2.send(new RevokeSecurityGroupIngressCommand(input))
    : ec2.send(new RevokeSecurityGroupEgressCommand(input)))
  // EC2 may answer 200 and leave what it did not recognise: then more is open than is said.
  if (answer.Return !== false && !answer.UnknownIpPermissions?.length) return
  throw new CloudError('conflict', 'The cloud did not take all rules away.')
}

const isAbsentGroup = (error: unknown): boolean =>
  error instanceof CloudError && error.detail.cloudCode === 'InvalidGroup.NotFound'

/** A rule that names a group which is gone lets nobody in, and nobody can take it away: it goes with its own group. */
const revokeStanding: typeof revoke = async (context, id, direction, grants) => {
  try {
    await revoke(context, id, direction, grants)
  } catch (error) {
    const naming = grants.filter(({ peer }) => peer.kind === 'group' && peer.value !== id)
    if (!isAbsentGroup(error) || !naming.length) throw error
    const plain = grants.filter((grant) => !naming.includes(grant))
    await revoke(context, id, direction, plain)
    for (const grant of naming)
      await revoke(context, id, direction, [grant]).catch((each) => {
        if (!isAbsentGroup(each)) throw each
      })
  }
}

const authorize = async (
  { ec2 }: Context,
  GroupId: string,
  direction: Grant['direction'],
  grants: Grant[],
): Promise<void> => {
  if (grants.length === 0) return
  const input = { GroupId, IpPermissions: grants.map(permissionFor) }
  await (direction === 'ingress'
    ? ec2.send(new AuthorizeSecurityGroupIngressCommand(input))
    : ec2.send(new AuthorizeSecurityGroupEgressCommand(input)))
}

/** Takes away before it gives, so a step that fails leaves the group too narrow rather than too wide. */
export const applyRules = async (context: Context, group: SecurityGroup, rules: SecurityRule[]): Promise<void> => {
  const id = group.GroupId ?? ''
  const wanted = grantsFor(rules, id)
  const changes = DIRECTIONS.map((direction) => {
    const has = grantsIn(direction, direction === 'ingress' ? group.IpPermissions : group.IpPermissionsEgress)
    const wants = [...wanted].filter(([, grant]) => grant.direction === direction)
    return {
      direction,
      extra: [...has].filter(([key]) => !wanted.has(key)).map(([, grant]) => grant),
      lacking: wants.filter(([key]) => !has.has(key)).map(([, grant]) => grant),
    }
  })
  // InvalidPermission.Duplicate and .NotFound mean that somebody else changed the group since it was read: both codes
  // make the broker ask again.
  for (const { direction, extra } of changes) await revokeStanding(context, id, direction, extra)
  for (const { direction, lacking } of changes) await authorize(context, id, direction, lacking)
}

/**
 * A group in one VPC. Its name on the cloud carries our token, so a repeated create collides; the user's name is the
 * `Name` tag. EC2 lets a fresh group send anywhere; that rule is taken away by the first update like any other that
 * is not asked for.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html (no ClientToken; names collide)
 */
export const securityGroup = (context: Context): Realm<SecurityGroupSpec> => {
  const { ec2, options, connection } = context
  const groups = groupsOf(context)
  const realm: Realm<SecurityGroupSpec> = markedRealm<SecurityGroupSpec, Seen, SecurityGroup>(connection, groups, {
    once: 'unique',
    settleMs: options.settleMs,
    // What cannot be expressed is refused before anything is made, when the group's own id is not known yet.
    check: ({ rules, stateless }) => {
      if (stateless) refuse('EC2 has no stateless security groups.')
      grantsFor(rules, 'self')
    },
    async create(spec, mark) {
      const make = async (): Promise<string> => {
        const { GroupId } = await ec2.send(
          new CreateSecurityGroupCommand({
            GroupName: `plimsoll ${mark.token}`,
            Description: printable(spec.description) || 'Plimsoll',
            VpcId: spec.network,
            TagSpecifications: tagged(tagsFor(mark, spec.name), 'security-group'),
          }),
        )
        return GroupId!
      }
      const find = async () => (await groups.find(mark))?.id ?? null
      return setUp(context, realm, await orEarlier('InvalidGroup.Duplicate', make, find), spec)
    },
    poll: (task) => resume(realm, task),
    async update(group, spec) {
      await applyRules(context, group, spec.rules)
      await rename(context, group.GroupId ?? '', group.Tags, spec.name)
      return { ...(await groups.one(group)), name: spec.name }
    },
    async remove({ GroupId }) {
      await ec2.send(new DeleteSecurityGroupCommand({ GroupId }))
    },
    read(group) {
      const { rules, lost } = readRules(group)
      const spec = {
        name: tagValue(group.Tags, 'Name') || group.GroupName || group.GroupId || '',
        description: group.Description ?? '',
        network: group.VpcId ?? refuse('The group is in no VPC.'),
        rules,
      }
      return reading(spec, { lost })
    },
  })
  return realm
}
