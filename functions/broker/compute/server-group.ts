import {
  deleteMember,
  deleteServerGroup,
  groupElsewhere,
  groupHeld,
  hasMembers,
  insertMember,
  insertServerGroup,
  type MemberRow,
  memberOf,
  membersFull,
  type ServerGroupRow,
  serverGroupGone,
} from '../../../db/queries/compute/server-groups.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import { reviveBinding, wantAbsent } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { charge, commit, guard, limited, makesDue, type Write } from '../line/commit.ts'
import { quotaDefaults } from '../line/quota.ts'
import { type FoundGroup, isHard } from './place/group.ts'
import { withinUser } from './server-action.ts'
import type { Place } from './server-facts.ts'

/** For the batch that makes a group. Nothing crosses the line yet: a cloud hears of it with the first server that needs it. */
export const serverGroupWrites = (context: Context, row: ServerGroupRow): Write[] => [
  withinUser(context, row, { server_groups: 1 }),
  charge(row.projectId, 'server_groups', 1),
  insertServerGroup(context.db, row),
]

/** Makes a group for the project. */
export const createServerGroup = async (
  context: Context,
  projectId: string,
  wish: Pick<ServerGroupRow, 'name' | 'policy' | 'maxServerPerHost'>,
): Promise<ServerGroupRow> => {
  const row: ServerGroupRow = {
    ...wish,
    id: context.newId(),
    projectId,
    userId: context.caller?.userId ?? '',
    createdAt: context.now(),
  }
  const entry = { action: 'create', kind: 'server_group', resourceId: row.id, detail: { name: row.name } }
  await commit(context, entry, serverGroupWrites(context, row))
  return row
}

/** Its clouds let go of it, once no server is in it any more. */
const letGo = ({ db, now }: Context, id: string, kept = hasMembers(id)): Write =>
  makesDue(wantAbsent(db, 'server_group', id, now(), kept), { kind: 'server_group', ids: [id], want: 'absent' })

/** Takes a group away; its servers stay, and stay as they were placed. */
export const removeServerGroup = async (context: Context, { id, name, projectId }: ServerGroupRow): Promise<void> => {
  await commit(context, { action: 'delete', kind: 'server_group', resourceId: id, detail: { name } }, [
    guard(context, 'server-group-gone', serverGroupGone(id, projectId)),
    charge(projectId, 'server_groups', -1),
    deleteServerGroup(context.db, id),
    letGo(context, id),
  ])
}

/**
 * For the batch that admits servers of a group: it holds only while the group is there and, if it keeps its servers on one
 * host, while they are in the zone that was chosen (guard `server-group-moved`).
 */
export const joinGroup = (
  context: Context,
  { id, policy, maxServerPerHost }: FoundGroup,
  servers: ServerRow[],
  at: Place | undefined,
  /** The group was made for them, and takes as many as there are to be. */
  unlimited = false,
): Write[] => {
  const { db } = context
  const projectId = servers[0]!.projectId
  const more = servers.length
  const ids = servers.map((server) => server.id)
  const createdAt = context.now()
  const full = membersFull(id, projectId, more, quotaDefaults.compute.server_group_members)
  return [
    guard(context, 'server-group-gone', serverGroupGone(id, projectId)),
    ...(unlimited ? [] : [limited(context, { projectId, resource: 'server_group_members', amount: more }, full)]),
    ...(at && policy === 'affinity' ? [guard(context, 'server-group-moved', groupElsewhere(id, at, ids))] : []),
    ...ids.map((serverId) => insertMember(db, { serverId, groupId: id, policy, maxServerPerHost, createdAt })),
    // A cloud that could not make the group may be able to by now.
    ...(at && isHard(policy)
      ? [
          reviveBinding(
            db,
            { kind: 'server_group', resourceId: id, cloudId: at.cloudId, scope: '' },
            { token: context.newId(), now: createdAt },
          ),
        ]
      : []),
  ]
}

/** For a batch that moves a server of a group which is on one host: it holds only while no other is elsewhere. */
export const stayTogether = (
  context: Context,
  { groupId, policy, serverId }: Pick<MemberRow, 'groupId' | 'policy' | 'serverId'>,
  at: Place,
): Write[] =>
  policy === 'affinity' ? [guard(context, 'server-group-moved', groupElsewhere(groupId, at, [serverId]))] : []

/** For the batch in which a server is gone, or handed to somebody else: it is in no group any more. */
export const leaveGroup = async (context: Context, serverId: string): Promise<Write[]> => {
  const member = await memberOf(context.db, serverId)
  if (!member) return []
  const { groupId } = member
  return [deleteMember(context.db, serverId), letGo(context, groupId, groupHeld(groupId))]
}
