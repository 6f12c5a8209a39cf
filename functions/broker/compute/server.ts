import { insertServerAction } from '../../../db/queries/compute/server-actions.ts'
import { type NewServer, type ServerRow, serverLeft, updateServer } from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import { commit, guard, type Write } from '../line/commit.ts'
import { changed, unwanted } from '../line/resources.ts'
import { unlessForked } from './fork/lineage.ts'
import { withMeaning } from './own-metadata.ts'
import { refuseLocked, who } from './server-action.ts'
import { endServer } from './server-end.ts'
import { statusWith } from './server-facts.ts'

/** Deletes a server. It is gone when its cloud has let go; one that never had a cloud is gone at once. */
export const deleteServer = async (context: Context, server: ServerRow): Promise<void> => {
  refuseLocked(context, server)
  if (server.taskState === 'deleting') return
  const { db } = context
  const now = context.now()
  const gone = server.cloudId === null
  const writes = [
    guard(context, 'server-gone', serverLeft(server.id)),
    insertServerAction(db, { ...who(context, server), action: 'delete', now }),
    ...(gone
      ? await endServer(context, server, [])
      : [
          updateServer(db, server.id, { updatedAt: now, ...statusWith(server, { want: 'absent' }) }),
          unwanted(context, 'server', server.id),
        ]),
  ]
  await unlessForked(context, server, (unforked) =>
    commit(context, { action: 'delete', kind: 'server', resourceId: server.id }, [unforked, ...writes]),
  )
}

/** What users may change of a server as such. Name and metadata are told to a cloud that shows them. */
export const changeServer = async (
  context: Context,
  server: ServerRow,
  asked: Partial<
    Pick<
      NewServer,
      | 'name'
      | 'description'
      | 'hostname'
      | 'metadata'
      | 'tags'
      | 'accessIpv4'
      | 'accessIpv6'
      | 'diskConfig'
      | 'locked'
      | 'lockedReason'
    >
  >,
  action = 'update',
  also: Write[] = [],
): Promise<ServerRow> => {
  const updatedAt = context.now()
  return withMeaning(context, server, asked, async ({ set, also: meant }) => {
    const shown = set.name !== undefined || set.metadata !== undefined
    await commit(context, { action, kind: 'server', resourceId: server.id }, [
      guard(context, 'server-gone', serverLeft(server.id)),
      updateServer(context.db, server.id, { ...set, updatedAt }),
      ...(shown ? [changed(context, 'server', server.id)] : []),
      ...also,
      ...meant,
    ])
    return { ...server, ...set, updatedAt } as ServerRow
  })
}
