import { and, asc, eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { grants, groupMembers, userGroups, users } from '../../schema/index.ts'
import { deleteCredentialsOn } from './application-credentials.ts'

export type GroupRow = typeof userGroups.$inferSelect

const ofId = prepared((db, { id }: Slots<{ id: string }>) => db.select().from(userGroups).where(eq(userGroups.id, id)))
/** A group; null: there is none. */
export const groupById = async (db: Database, id: string): Promise<GroupRow | null> =>
  (await ofId.run(db, { id }))[0] ?? null

export interface GroupFilter {
  name?: string | undefined
  domainId?: string | undefined
  /** Whose members a user is. */
  userId?: string | undefined
}
const like = prepared((db, { name, domainId, userId }: Slots<GroupFilter>) =>
  db
    .select()
    .from(userGroups)
    .where(
      and(
        name && eq(userGroups.name, name),
        domainId && eq(userGroups.domainId, domainId),
        userId && sql`${userGroups.id} in (select m.group_id from group_members m where m.user_id = ${userId})`,
      ),
    )
    .orderBy(asc(userGroups.name), asc(userGroups.id)),
)
/** Groups by name; what the filter leaves open is not asked. */
export const listGroups = (db: Database, filter: GroupFilter) => like.run(db, filter)

const members = prepared((db, { groupId }: Slots<{ groupId: string }>) =>
  db
    .select()
    .from(users)
    .where(sql`${users.id} in (select m.user_id from group_members m where m.group_id = ${groupId})`)
    .orderBy(asc(users.name), asc(users.id)),
)
/** The users in a group, by name. */
export const membersOf = (db: Database, groupId: string) => members.run(db, { groupId })

const member = prepared((db, { groupId, userId }: Slots<{ groupId: string; userId: string }>) =>
  db
    .select({ userId: groupMembers.userId })
    .from(groupMembers)
    .where(and(eq(groupMembers.userId, userId), eq(groupMembers.groupId, groupId))),
)
/** Whether a user is in a group. */
export const isMember = async (db: Database, groupId: string, userId: string): Promise<boolean> =>
  (await member.run(db, { groupId, userId })).length > 0

/** Statement: a new group. */
export const insertGroup = (db: Database, row: GroupRow) => db.insert(userGroups).values(row)
/** Statement: changes a group. */
export const updateGroup = (db: Database, id: string, set: Partial<GroupRow>) =>
  db.update(userGroups).set(set).where(eq(userGroups.id, id))
/** Statement: a user comes into a group; twice is once. */
export const insertMember = (db: Database, groupId: string, userId: string) =>
  db
    .insert(groupMembers)
    .values({ groupId, userId })
    .onConflictDoUpdate({ target: [groupMembers.userId, groupMembers.groupId], set: { idpId: '', until: null } })
/** Statements: a user leaves a group, and every token of that user ends, as Keystone has it. */
export const deleteMember = (db: Database, groupId: string, userId: string) =>
  [
    db.delete(groupMembers).where(and(eq(groupMembers.userId, userId), eq(groupMembers.groupId, groupId))),
    db
      .update(users)
      .set({ epoch: sql`${users.epoch} + 1` })
      .where(eq(users.id, userId)),
  ] as const

/** Statements: a group goes with its grants, and so does every token of those who were in it. */
export const deleteGroup = (db: Database, id: string) =>
  [
    ...deleteCredentialsOn(db, null, { group: id }),
    db.run(sql`update users set epoch = epoch + 1 where id in
      (select m.user_id from group_members m where m.group_id = ${id})`),
    db.delete(groupMembers).where(eq(groupMembers.groupId, id)),
    db.delete(grants).where(eq(grants.actorId, id)),
    db.delete(userGroups).where(eq(userGroups.id, id)),
  ] as const
