import { type ServerUsage, serversBetween } from '../../db/queries/compute/usage.ts'
import { badRequest, forbidden } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { nextHref, pageRequest } from '../http/pagination.ts'
import { nakedTime } from './links.ts'
import { query } from './parameters.ts'

const HOUR = 3_600_000
const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?$/

/** A moment, and how it is shown: with the microseconds that were asked for. */
interface Moment {
  ms: number
  shown: string
}

const at = (ms: number): Moment => ({ ms, shown: nakedTime(ms) })

const momentOf = (given: string | undefined, otherwise: number): Moment => {
  if (!given) return at(otherwise)
  const match = TIME.exec(given)
  const ms = match ? Date.parse(`${match[1]}T${match[2]}${(match[3] ?? '').slice(0, 4)}Z`) : Number.NaN
  if (Number.isNaN(ms)) throw badRequest('Invalid datetime string: Datetime is in invalid format')
  const micros = (match?.[3] ?? '').slice(1, 7).padEnd(6, '0')
  return { ms, shown: nakedTime(ms).replace(/\d{6}$/, micros) }
}

const periodOf = ({ query: asked, context }: Input) => {
  const now = context.now()
  const start = momentOf(asked.start, now)
  // Nova's clock goes on between its two looks at it, so that a period of which nothing was said is not empty.
  const end = momentOf(asked.end, now + 1)
  if (start.ms >= end.ms) throw badRequest('Invalid start time. The start time cannot occur after the end time.')
  const stop = end.ms > now ? at(now) : end
  return { start: start.ms, end: stop.ms, shown: { start: start.shown, stop: stop.shown } }
}
type Period = ReturnType<typeof periodOf>

const serverView = (server: ServerUsage, { start, end }: Period, now: number) => {
  const { flavor, launchedAt, terminatedAt } = server
  const until = Math.min(terminatedAt ?? end, end)
  return {
    instance_id: server.id,
    name: server.name,
    tenant_id: server.projectId,
    flavor: flavor.name,
    vcpus: flavor.vcpus,
    memory_mb: flavor.ramMib,
    local_gb: flavor.diskGib + flavor.ephemeralGib,
    started_at: nakedTime(launchedAt),
    ended_at: terminatedAt === null ? null : nakedTime(terminatedAt),
    state: terminatedAt === null ? server.vmState : 'terminated',
    uptime: Math.floor(((terminatedAt ?? now) - launchedAt) / 1000),
    hours: Math.max(0, until - Math.max(launchedAt, start)) / HOUR,
  }
}
type ServerView = ReturnType<typeof serverView>

const projectView = (projectId: string, servers: ServerView[], period: Period, detailed: boolean) => {
  const total = (size: (server: ServerView) => number) =>
    servers.reduce((sum, each) => sum + size(each) * each.hours, 0)
  return {
    tenant_id: projectId,
    ...period.shown,
    total_hours: total(() => 1),
    total_vcpus_usage: total((server) => server.vcpus),
    total_memory_mb_usage: total((server) => server.memory_mb),
    total_local_gb_usage: total((server) => server.local_gb),
    ...(detailed ? { server_usages: servers } : {}),
  }
}

/** One page of servers in the period; pages, and links to the next, from 2.40 on. */
const usage = async (input: Input, projectId?: string) => {
  const { context, query: asked, version } = input
  const period = periodOf(input)
  const { limit, marker } = version >= 40 ? pageRequest(asked) : { limit: 1000, marker: undefined }
  const only = projectId === undefined ? {} : { projectId }
  const { start, end } = period
  const found = await serversBetween(context.db, context.scope, { start, end, ...only, limit, after: marker })
  const url = `${input.base}/os-simple-tenant-usage${projectId === undefined ? '' : `/${projectId}`}`
  const full = version >= 40 && found.length > 0 && found.length === limit
  return {
    period,
    servers: found.map((server) => serverView(server, period, context.now())),
    links: full ? [{ rel: 'next', href: nextHref(url, input.queries, found.at(-1)!.id) }] : null,
  }
}

/** Hours that servers existed since their first start, times their size. https://docs.openstack.org/api-ref/compute/#usage-reports-os-simple-tenant-usage */
export const tenantUsageOperations: Operation[] = [
  operation({
    name: 'tenant_usage.list',
    method: 'GET',
    path: '/os-simple-tenant-usage',
    who: 'admin',
    summary: 'What every project used in a period.',
    status: 200,
    query: query(['start', 'end', 'detailed', 'limit', 'marker']),
    handle: async (input) => {
      const { servers, period, links } = await usage(input)
      const projects = Map.groupBy(servers, (server) => server.tenant_id)
      const detailed = input.query.detailed === '1'
      const views = [...projects].map(([projectId, own]) => projectView(projectId, own, period, detailed))
      return { body: { tenant_usages: views, ...(links ? { tenant_usages_links: links } : {}) } }
    },
  }),
  operation({
    name: 'tenant_usage.show',
    method: 'GET',
    path: '/os-simple-tenant-usage/:project',
    who: 'reader',
    summary: 'What one project used in a period, server by server.',
    status: 200,
    query: query(['start', 'end', 'limit', 'marker']),
    handle: async (input) => {
      const projectId = input.params.project!
      const { caller } = input.context
      if (projectId !== caller?.projectId && !caller?.isAdmin)
        throw forbidden("Policy doesn't allow os_compute_api:os-simple-tenant-usage:show to be performed.")
      const { servers, period, links } = await usage(input, projectId)
      const view = servers.length ? projectView(projectId, servers, period, true) : {}
      return { body: { tenant_usage: view, ...(links ? { tenant_usage_links: links } : {}) } }
    },
  }),
]
