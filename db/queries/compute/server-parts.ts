import { and, asc, desc, eq, getTableColumns, isNull, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { attachments, ports, serverActions, servers } from '../../schema/index.ts'
import { foundWithin, type Scope, within } from '../../scope.ts'
import type { AttachmentRow } from '../block-storage/attachments.ts'
import type { PortRow } from '../network/ports.ts'
import type { ServerAction } from './server-actions.ts'
import type { ServerRow } from './servers.ts'

/*
 * What belongs to a server, read with the look at the server itself: one query each. Of a server that the scope may not
 * see there are none; whoever finds none asks whether there is the server.
 */

interface OfServer {
  scope: Scope
  serverId: string
}

/** Some columns of a server that is not deleted, or null: `serverColumns('tags')(db, scope, id)`. */
export const serverColumns = <K extends keyof ServerRow>(...names: K[]) => {
  const all = getTableColumns(servers)
  const columns = Object.fromEntries(names.map((name) => [name, all[name]]))
  const reading = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
    db
      .select(columns)
      .from(servers)
      .where(and(eq(servers.id, id), isNull(servers.deletedAt), within(servers.projectId, scope))),
  )
  return async (db: Database, scope: Scope, id: string): Promise<Pick<ServerRow, K> | null> =>
    ((await reading.run(db, { scope, id })) as unknown as Pick<ServerRow, K>[])[0] ?? null
}

/** The one server, if the scope may see it; `deleted`: also when it is gone. */
const theServer = ({ scope, serverId }: Slots<OfServer>, deleted = false): SQL =>
  sql`from ${servers} where ${and(
    eq(servers.id, serverId),
    foundWithin(servers.projectId, scope),
    deleted ? undefined : isNull(servers.deletedAt),
  )}`

/** A port as servers show it. */
export type Interface = Pick<PortRow, 'id' | 'networkId' | 'macAddress' | 'status' | 'fixedIps'>

const plugged = prepared((db, asked: Slots<OfServer & { portId?: string | undefined }>) =>
  db
    .select({
      id: ports.id,
      networkId: ports.networkId,
      macAddress: ports.macAddress,
      status: ports.status,
      fixedIps: ports.fixedIps,
    })
    .from(ports)
    .where(
      and(
        eq(ports.deviceId, asked.serverId),
        // A stranger's port that names the server does not count.
        sql`${ports.projectId} = (select project_id ${theServer(asked)})`,
        asked.portId && eq(ports.id, asked.portId),
      ),
    ),
)

/** Ports that a server has, or the one of an id. */
export const interfacesIn = (db: Database, scope: Scope, serverId: string, portId?: string): Promise<Interface[]> =>
  plugged.run(db, { scope, serverId, portId })

const attached = prepared((db, asked: Slots<OfServer & { volumeId?: string | undefined }>) =>
  db
    .select()
    .from(attachments)
    .where(
      and(
        eq(attachments.serverId, asked.serverId),
        foundWithin(attachments.projectId, asked.scope),
        sql`exists (select 1 ${theServer(asked)})`,
        asked.volumeId && eq(attachments.volumeId, asked.volumeId),
      ),
    )
    .orderBy(attachments.createdAt, sql`coalesce(${attachments.bootIndex}, 99)`, attachments.id),
)

/** Attachments of the volumes of a server in the order in which they were made, or the one of a volume. */
export const attachmentsIn = (
  db: Database,
  scope: Scope,
  serverId: string,
  volumeId?: string,
): Promise<AttachmentRow[]> => attached.run(db, { scope, serverId, volumeId })

export interface ActionPage {
  limit: number
  /** Request id of the last action of the page before. */
  marker?: string | undefined
  changesSince?: number | undefined
  changesBefore?: number | undefined
}

interface Asked extends OfServer {
  form: { deleted: boolean }
}

/** Actions of a server that a request asked for: found by the request, of which a server may have had any number. */
const askedBy = (serverId: unknown, requestId: unknown): SQL =>
  sql`substr(request_id, 5, 8) = substr(${requestId}, 5, 8) and request_id = ${requestId} and +server_id = ${serverId}`

const history = prepared((db, page: Slots<Asked & ActionPage>) =>
  db
    .select()
    .from(serverActions)
    .where(
      and(
        eq(serverActions.serverId, page.serverId),
        sql`exists (select 1 ${theServer(page, page.form.deleted)})`,
        page.marker &&
          sql`${serverActions.id} < (select min(id) from server_actions
            where ${askedBy(page.serverId, page.marker)})`,
        page.changesSince && sql`${serverActions.updatedAt} >= ${page.changesSince}`,
        page.changesBefore && sql`${serverActions.updatedAt} <= ${page.changesBefore}`,
      ),
    )
    .orderBy(desc(serverActions.id))
    .limit(page.limit),
)

/** The history of a server, newest first; with `deleted` it outlives the server. */
export const actionsOf = (
  db: Database,
  scope: Scope,
  server: { id: string; deleted: boolean },
  page: ActionPage,
): Promise<ServerAction[]> =>
  history.run(db, { scope, serverId: server.id, form: { deleted: server.deleted }, ...page })

const byRequest = prepared((db, asked: Slots<Asked & { requestId: string }>) =>
  db
    .select()
    .from(serverActions)
    .where(
      and(askedBy(asked.serverId, asked.requestId), sql`exists (select 1 ${theServer(asked, asked.form.deleted)})`),
    )
    .orderBy(asc(serverActions.id))
    .limit(1),
)

/** What a request asked of a server; null: nothing that is known. */
export const actionByRequest = async (
  db: Database,
  scope: Scope,
  server: { id: string; deleted: boolean },
  requestId: string,
): Promise<ServerAction | null> => {
  const [row] = await byRequest.run(db, { scope, serverId: server.id, form: { deleted: server.deleted }, requestId })
  return row ?? null
}
