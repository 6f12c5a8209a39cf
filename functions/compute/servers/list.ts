import {
  nameServers,
  type ServerList,
  type ServerView,
  serverExists,
  viewServers,
} from '../../../db/queries/compute/server-view.ts'
import type { Context } from '../../context.ts'
import { badRequest } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { pageRequest } from '../../http/pagination.ts'
import { nextLink } from '../links.ts'
import { judging, type Matcher } from './pattern.ts'
import { type Asked, readQuery } from './query.ts'
import { listQuery } from './query-names.ts'
import { addressesOf, briefView, listedView, viewerOf } from './view.ts'

/** Rows read at a time when they are judged one by one. */
const CHUNK = 500
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
  const { filter, order } = asked
  const ask = { filter, order, now: context.now() }
  const rows = asked.judges.length
    ? await judged(asked, limit, marker, (from, count) =>
        viewServers(context.db, { ...ask, limit: count, marker: from }, context.caller?.isAdmin),
      )
    : await read({ ...ask, limit, marker })
  if (!rows.length && marker !== undefined && !(await serverExists(context.db, filter.projectId, marker)))
    throw badRequest(`marker [${marker}] not found`)
  return rows as R[]
}

/** Patterns are not the database's affair: whole rows are read, chunk by chunk, until the page is full. */
const judged = async (
  { judges }: Asked,
  limit: number,
  marker: string | undefined,
  read: (marker: string | undefined, count: number) => Promise<ServerView[]>,
): Promise<ServerView[]> => {
  const judge = judging()
  const anyOf = async (matcher: Matcher, texts: string[]): Promise<boolean> => {
    for (const text of texts) if (await judge(matcher, text)) return true
    return false
  }
  const meets = async (row: ServerView): Promise<boolean> => {
    for (const { of, matcher } of judges)
      if (!(await anyOf(matcher, of === 'name' ? [row.name] : addressesIn(row, of === 'ip4' ? 4 : 6)))) return false
    return true
  }
  const page: ServerView[] = []
  for (let from = marker; ; ) {
    const rows = await read(from, CHUNK)
    for (const row of rows) {
      if (await meets(row)) page.push(row)
      if (page.length === limit) return page
    }
    if (rows.length < CHUNK) return page
    from = rows.at(-1)!.id
  }
}

const addressesIn = (row: ServerView, version: 4 | 6): string[] =>
  Object.values(addressesOf(row, false))
    .flat()
    .filter((each) => each.version === version)
    .map((each) => String(each.addr))

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
      const viewer = viewerOf(input)
      const next = nextLink(
        input,
        'servers_links',
        '/servers',
        rows.map(({ id }) => id),
      )
      return { body: { servers: rows.map((row) => briefView(row, viewer)), ...next } }
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
