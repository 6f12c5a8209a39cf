import { cloudsSeen } from '../../../db/queries/clouds/clouds.ts'
import type { Context } from '../../context.ts'
import { badRequest } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'

const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?$/

const timeIn = (text: string): number => {
  const [, year, month, day, hour = '0', minute = '0', second = '0'] = TIME.exec(text) ?? []
  const parts = [year, month, day, hour, minute, second].map(Number) as [number, number, number, number, number, number]
  const [y, m, d, h, min, s] = parts
  const date = new Date(Date.UTC(y, m - 1, d, h, min, s))
  const shown = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours()]
  // A day or an hour that there is not would be another one.
  if (Number.isNaN(date.getTime()) || shown.some((each, at) => each !== parts[at]) || min > 59 || s > 59)
    throw badRequest(`Invalid timestamp for date ${text}`)
  return date.getTime()
}

const shown = (time: number): string => new Date(time).toISOString().slice(0, 19).replace('T', ' ')

/** The whole month before a time, which is what Nova audits. */
const monthBefore = (time: number): [begins: string, ends: string] => {
  const date = new Date(time)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  return [shown(Date.UTC(year, month - 1, 1)), shown(Date.UTC(year, month, 1))]
}

/** Nova's hosts tell once in a period who used what; here everything is metered as it runs, and no host has that task. */
const logOf = async (context: Context, time: number) => {
  const hosts = (await cloudsSeen(context.db, context.scope)).map(({ name }) => name)
  const [period_beginning, period_ending] = monthBefore(time)
  return {
    ...{ period_beginning, period_ending, log: {}, hosts_not_run: hosts, num_hosts: hosts.length },
    ...{
      num_hosts_done: 0,
      num_hosts_running: 0,
      num_hosts_not_run: hosts.length,
      total_instances: 0,
      total_errors: 0,
    },
    overall_status: `0 of ${hosts.length} hosts done. 0 errors.`,
  }
}

const PATH = '/os-instance_usage_audit_log'

/** https://docs.openstack.org/api-ref/compute/#server-usage-audit-log-os-instance-usage-audit-log */
export const usageAuditOperations: Operation[] = [
  operation({
    name: 'usage_audit_log.list',
    method: 'GET',
    path: PATH,
    who: 'admin',
    summary:
      'Which clouds have audited their usage of last month: none, since usage is metered as it comes (`os-simple-tenant-usage`).',
    status: 200,
    handle: async ({ context }) => ({
      body: { instance_usage_audit_logs: await logOf(context, context.now()) },
    }),
  }),
  operation({
    name: 'usage_audit_log.show',
    method: 'GET',
    path: `${PATH}/:before`,
    who: 'admin',
    summary: 'The same of the month before a time.',
    status: 200,
    handle: async ({ context, params }) => ({
      body: { instance_usage_audit_log: await logOf(context, timeIn(params.before!)) },
    }),
  }),
]
