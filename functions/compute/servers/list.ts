import { addressServers, nameServers, serverExists, viewServers } from '../../../db/queries/compute/server-list.ts'
import type { ServerList } from '../../../db/queries/compute/server-order.ts'
import type { ServerView } from '../../../db/queries/compute/server-view.ts'
import type { Context } from '../../context.ts'
import { badRequest } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { pageRequest } from '../../http/pagination.ts'
import { namesText, nextLink } from '../links.ts'
import { judging, type Matcher } from './pattern.ts'
import { type Asked, readQuery } from './query.ts'
import { listQuery } from './query-names.ts'
import { listedView, viewerOf } from './view.ts'

/** Rows read at a time when they are judged one by one. */
const CHUNK = 1_000
/** So many servers are driven on by one look at a list: the rest is the cron's. */
const DRIVEN = 10

/** Whoever watches a server in transition drives it on, and does not wait for it. */
export const driveOn = (context: Context, rows: Pick<ServerView, 'id' | 'dueOn'>[]): void => {
  const due = rows.filter(({ dueOn }) => dueOn !== null).slice(0, DRIVEN)
  for (const { id, dueOn } of due)
    context.defer(() => context.converge(context, { kind: 'server', resourceId: id, cloudId: dueOn!, scope: '' }))
}

type Row = Pick<ServerView, 'id' | 'name'>
type Read<R extends Row> = (list: ServerList) => Promise<R[]>

/** One page. Without a judgement in code it is one query. */
const pageOf = async <R extends Row>(input: Input, asked: Asked, read: Read<R>): Promise<R[]> => {
  const { context, query } = input
  const { limit, marker } = pageRequest(query)
  if (asked.nothing || limit === 0) return []
  const { filter, order, judges } = asked
  const ask = { filter, order, now: context.now() }
  const rows = judges.length
    ? await read({ ...ask, filter: { ids: await judged(context, asked, { ...ask, limit, marker }) }, limit })
    : await read({ ...ask, limit, marker })
  if (!rows.length && marker !== undefined && !(await serverExists(context.db, filter.projectId, marker)))
    throw badRequest(`marker [${marker}] not found`)
  return rows
}

/**
 * Patterns are not the database's affair: names and addresses are read, chunk by chunk, until the page is full. Gives the
 * ids of those that match.
 */
const judged = async ({ db }: Context, { judges }: Asked, list: ServerList): Promise<string[]> => {
  const judge = judging()
  const anyOf = async (matcher: Matcher, texts: string[]): Promise<boolean> => {
    for (const text of texts) if (await judge(matcher, text)) return true
    return false
  }
  const meets = async ({ name, addresses }: { name: string; addresses: string[] }): Promise<boolean> => {
    for (const { of, matcher } of judges) {
      const texts = of === 'name' ? [name] : addresses.filter((each) => each.includes(':') === (of === 'ip6'))
      if (!(await anyOf(matcher, texts))) return false
    }
    return true
  }
  const read = judges.some(({ of }) => of !== 'name')
    ? addressServers
    : async (...of: Parameters<typeof nameServers>) =>
        (await nameServers(...of)).map((row) => ({ ...row, addresses: '[]' }))
  const ids: string[] = []
  for (let marker = list.marker; ; ) {
    const rows = await read(db, { ...list, marker, limit: CHUNK })
    for (const { id, name, addresses } of rows) {
      if (await meets({ name, addresses: JSON.parse(addresses) })) ids.push(id)
      if (ids.length === list.limit) return ids
    }
    if (rows.length < CHUNK) return ids
    marker = rows.at(-1)!.id
  }
}

export const listOperations: Operation[] = [
  operation({
    name: 'server.list',
    method: 'GET',
    path: '/servers',
    who: 'reader',
    summary: 'Servers by id and name, newest first, with filters, order and pages.',
    status: 200,
    query: listQuery,
    handle: async (input) => {
      const { context, queries, version } = input
      const rows = await pageOf(input, readQuery(context, queries, version), (list) => nameServers(context.db, list))
      const { servers_links: next } = nextLink(
        input,
        'servers_links',
        '/servers',
        rows.map(({ id }) => id),
      )
      const more = next ? `,"servers_links":${JSON.stringify(next)}` : ''
      return { json: `{"servers":${namesText(input, 'servers', rows)}${more}}` }
    },
  }),
  operation({
    name: 'server.detail',
    method: 'GET',
    path: '/servers/detail',
    who: 'reader',
    summary: 'The same with everything that a single server shows.',
    status: 200,
    query: listQuery,
    handle: async (input) => {
      const { context, queries, version } = input
      const viewer = viewerOf(input)
      const rows = await pageOf(input, readQuery(context, queries, version), (list) =>
        viewServers(context.db, list, viewer.isAdmin),
      )
      driveOn(context, rows)
      const next = nextLink(
        input,
        'servers_links',
        '/servers/detail',
        rows.map(({ id }) => id),
      )
      return { body: { servers: rows.map((row) => listedView(row, viewer)), ...next } }
    },
  }),
]
