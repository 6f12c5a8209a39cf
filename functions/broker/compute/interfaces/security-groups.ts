import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import { type PortView, portsOfDevice } from '../../../../db/queries/network/ports.ts'
import { groupsNamed, securityGroupById } from '../../../../db/queries/network/security/security-groups.ts'
import type { Context } from '../../../context.ts'
import { filteringAt } from '../../clouds/filters.ts'
import { commit } from '../../line/commit.ts'
import { planPortChange } from '../../network/port-change.ts'
import { note } from '../server-action.ts'
import { refuse } from '../server-refusal.ts'

const portsOf = (context: Context, server: ServerRow): Promise<PortView[]> =>
  portsOfDevice(context.db, { projectId: server.projectId }, server.id)

const groupNamed = async (context: Context, server: ServerRow, nameOrId: string): Promise<string> => {
  const byId = await securityGroupById(context.db, { projectId: server.projectId }, nameOrId)
  if (byId) return byId.id
  const named = await groupsNamed(context.db, server.projectId, nameOrId)
  if (named.length > 1) refuse({ kind: 'many-groups', name: nameOrId })
  return named[0]?.id ?? refuse({ kind: 'no-group', projectId: server.projectId, name: nameOrId })
}

/** Every port of the server that has security joins the group. */
export const addGroup = async (context: Context, server: ServerRow, nameOrId: string): Promise<void> => {
  const id = await groupNamed(context, server, nameOrId)
  const ports = (await portsOf(context, server)).filter(({ portSecurity }) => portSecurity)
  const why = ports.length ? null : (await filteringAt(context, server.cloudId, server.projectId))?.whyNone
  if (typeof why === 'string') refuse({ kind: 'incapable', reason: why })
  if (!ports.length) refuse({ kind: 'no-port-security' })
  const joining = ports.filter((port) => !port.securityGroupIds.includes(id))
  await regroup(context, server, 'addSecurityGroup', joining, (held) => [...held, id])
}

/** Every port leaves it. 404 if none was in it. */
export const removeGroup = async (context: Context, server: ServerRow, nameOrId: string): Promise<void> => {
  const id = await groupNamed(context, server, nameOrId)
  const leaving = (await portsOf(context, server)).filter((port) => port.securityGroupIds.includes(id))
  if (!leaving.length) refuse({ kind: 'group-not-held', id: server.id, name: nameOrId })
  await regroup(context, server, 'removeSecurityGroup', leaving, (held) => held.filter((each) => each !== id))
}

const regroup = async (
  context: Context,
  server: ServerRow,
  action: string,
  ports: PortView[],
  next: (held: string[]) => string[],
): Promise<void> => {
  const changes = await Promise.all(
    ports.map((port) => planPortChange(context, port, { set: {}, securityGroupIds: next(port.securityGroupIds) })),
  )
  await commit(context, { action, kind: 'server', resourceId: server.id }, [
    ...changes.flat(),
    note(context, server, action),
  ])
}
