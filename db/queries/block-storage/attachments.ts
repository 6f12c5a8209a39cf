import { and, eq, isNull, type Placeholder, sql } from 'drizzle-orm'
import type { Json } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { attachments, bindings, serverActions, type servers, volumes } from '../../schema/index.ts'
import { foundWithin, type Scope, within } from '../../scope.ts'
import { pagesOf, type Slice } from '../listing.ts'

export type AttachmentRow = typeof attachments.$inferSelect
export type ServerRow = typeof servers.$inferSelect
/** With what a reader needs to drive it on: when its binding is due, and where. */
export type AttachmentRead = AttachmentRow & { cloudId: string | null; dueAt: number | null }

const read = (db: Database) =>
  db
    .select({ attachment: attachments, cloudId: bindings.cloudId, dueAt: bindings.dueAt })
    .from(attachments)
    .leftJoin(bindings, and(eq(bindings.kind, 'attachment'), eq(bindings.resourceId, attachments.id)))

const flat = ({ attachment, ...rest }: Awaited<ReturnType<typeof read>>[number]): AttachmentRead => ({
  ...attachment,
  ...rest,
})

const ofServer = prepared((db, { scope, serverId }: Slots<{ scope: Scope; serverId: string }>) =>
  read(db)
    .where(and(foundWithin(attachments.projectId, scope), eq(attachments.serverId, serverId)))
    .orderBy(attachments.createdAt, sql`coalesce(${attachments.bootIndex}, 99)`, attachments.id),
)

/** Volumes of one server, in the order in which they were attached. */
export const attachmentsOf = async (db: Database, scope: Scope, serverId: string): Promise<AttachmentRead[]> =>
  (await ofServer.run(db, { scope, serverId })).map(flat)

const between = prepared((db, { scope, serverId, id }: Slots<{ scope: Scope; serverId: string; id: string }>) =>
  read(db).where(
    and(
      foundWithin(attachments.projectId, scope),
      eq(attachments.serverId, serverId),
      sql`${id} in (${attachments.volumeId}, ${attachments.id})`,
    ),
  ),
)

/** The attachment of one volume to one server; `id` may be the attachment's own id too. */
export const attachmentBetween = async (
  db: Database,
  scope: Scope,
  serverId: string,
  id: string,
): Promise<AttachmentRead | null> => {
  const [row] = await between.run(db, { scope, serverId, id })
  return row ? flat(row) : null
}

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  read(db).where(and(within(attachments.projectId, scope), eq(attachments.id, id))),
)

/** An attachment of the scope with what it is between; null: there is none, or it is another project's. */
export const attachmentById = async (db: Database, scope: Scope, id: string): Promise<AttachmentRead | null> => {
  const [row] = await byId.run(db, { scope, id })
  return row ? flat(row) : null
}

interface AttachmentFilter {
  volumeId?: string | undefined
  serverId?: string | undefined
  status?: string | undefined
}

/** Columns by which lists may be sorted, in Cinder's words (cinder/db/sqlalchemy/models.py, `VolumeAttachment`). */
export const ATTACHMENT_SORT = {
  id: attachments.id,
  volume_id: attachments.volumeId,
  instance_uuid: attachments.serverId,
  mountpoint: attachments.device,
  attach_status: attachments.status,
  attach_time: attachments.attachedAt,
  created_at: attachments.createdAt,
} as const

const visible = (scope: Scope<string | Placeholder>) => within(attachments.projectId, scope)

const conditions = ({ scope, volumeId, serverId, status }: Slots<AttachmentFilter & { scope: Scope }>) => [
  (serverId ? foundWithin : within)(attachments.projectId, scope),
  volumeId && eq(attachments.volumeId, volumeId),
  serverId && eq(attachments.serverId, serverId),
  status && sql`${attachments.status} = ${status}`,
]

const pages = pagesOf(attachments, ATTACHMENT_SORT, visible, conditions, (db, page) =>
  read(db)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit)
    .offset(page.offset),
)

/**
 * One page of the attachments of a scope, of a volume, a server or a status where one is named; null: the marker is not an
 * attachment that the scope may see.
 */
export const listAttachments = async (
  db: Database,
  scope: Scope,
  filter: AttachmentFilter,
  slice: Slice,
): Promise<AttachmentRead[] | null> => (await pages(db, scope, filter, slice))?.map(flat) ?? null

/** The attachment with where its volume and its server are: what converge works on. */
export const attachmentWork = async (db: Database, id: string) => {
  const [row] = await db
    .select({
      attachment: attachments,
      volumeZone: volumes.zone,
      volumeStatus: volumes.status,
      /** The server is given another object for the volume: this one is out of it for a moment. */
      exchanged: sql<number>`exists (select 1 from server_actions a where a.server_id = ${attachments.serverId}
        and a.action = 'rebuild' and a.finished_at is null and a.args ->> 'volume_id' = ${attachments.volumeId})`,
    })
    .from(attachments)
    .innerJoin(volumes, eq(volumes.id, attachments.volumeId))
    .where(eq(attachments.id, id))
  return row ?? null
}

/**
 * True (as SQL) unless the server failed before it ran, or the volume before it was there: nobody has any use for it then.
 * One with snapshots stays, as with Cinder.
 */
export const stillWanted = ({ serverId, volumeId }: Pick<AttachmentRow, 'serverId' | 'volumeId'>) =>
  sql`(exists (select 1 from servers s join volumes v on v.id = ${volumeId}
    where s.id = ${serverId} and (s.launched_at is not null or (s.status <> 'ERROR' and v.status <> 'error')))
    or exists (select 1 from snapshots where volume_id = ${volumeId} and deleted_at is null and backup is null))`

/** Statement: a volume is to be in a server. */
export const insertAttachment = (db: Database, row: typeof attachments.$inferInsert) =>
  db.insert(attachments).values(row)

/** Statement: nobody keeps the volume any more; what is in a server stays. */
export const dropReserved = (db: Database, volumeId: string) =>
  db.delete(attachments).where(and(eq(attachments.volumeId, volumeId), eq(attachments.status, 'reserved')))

/** Statement: changes an attachment. */
export const updateAttachment = (db: Database, id: string, set: Partial<AttachmentRow>) =>
  db.update(attachments).set(set).where(eq(attachments.id, id))

/** Statement: these attachments are no more. */
export const deleteAttachments = (db: Database, ids: string[]) =>
  db.delete(attachments).where(anyOf(attachments.id, ids))

/** True (as SQL) when the server is gone or on its way. */
export const serverGone = (serverId: string) =>
  sql`not exists (select 1 from servers where id = ${serverId} and deleted_at is null and coalesce(task_state, '') <> 'deleting')`

/** True (as SQL) when the attachment is not in that status any more. */
export const attachmentMoved = (id: string, status: AttachmentRow['status']) =>
  sql`not exists (select 1 from attachments where id = ${id} and status = ${status})`

export interface NewAction {
  serverId: string
  projectId: string
  userId: string
  requestId: string
  action: 'attach_volume' | 'detach_volume' | 'extend_volume' | 'createImage'
  args: Record<string, Json>
  now: number
}

/** An entry in the server's history for work that a kind of its own does. */
export const insertAction = (db: Database, { now, ...row }: NewAction) =>
  db.insert(serverActions).values({ ...row, state: 'calling', startedAt: now, updatedAt: now })

/** Ends the open action of that name which speaks of `subject`: `$.volume_id` or `$.image_id` in its arguments. */
export const finishAction = (
  db: Database,
  action: NewAction['action'],
  serverId: string,
  subject: string,
  outcome: { failed?: string | undefined; now: number },
) =>
  db
    .update(serverActions)
    .set({
      state: outcome.failed === undefined ? 'done' : 'failed',
      message: outcome.failed ?? null,
      updatedAt: outcome.now,
      finishedAt: outcome.now,
    })
    .where(
      and(
        eq(serverActions.serverId, serverId),
        eq(serverActions.action, action),
        isNull(serverActions.finishedAt),
        sql`coalesce(${serverActions.args}->>'volume_id', ${serverActions.args}->>'image_id') = ${subject}`,
      ),
    )
