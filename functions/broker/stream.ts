import { getBinding } from '../../db/queries/bindings.ts'
import type { ServerRow } from '../../db/queries/servers.ts'
import type { Context } from '../context.ts'
import { connectCloud } from './clouds.ts'
import { ServerRefused } from './server-error.ts'

/** Bytes that must pass now: the only calls to a cloud that a request waits for, beside `converge`. */

/** What a guest wrote on its console: the last `lines` of it, or all. One call to the cloud. */
export const consoleOutput = async (context: Context, server: ServerRow, lines: number | null): Promise<string> => {
  const { id, cloudId, projectId } = server
  const ref = { kind: 'server', resourceId: id, scope: '' } as const
  const binding = cloudId === null ? null : await getBinding(context.db, { ...ref, cloudId })
  if (!binding?.nativeId || binding.phase !== 'bound') throw new ServerRefused({ kind: 'no-console', id })
  const { cloud, adapter } = await connectCloud(context, binding.cloudId, projectId)
  if (!cloud.server.consoleLog) {
    const reason = adapter.lacks['server.console_log'] ?? 'The cloud of this server keeps no console log.'
    throw new ServerRefused({ kind: 'incapable', reason })
  }
  return lastLines(await cloud.server.consoleLog(binding.nativeId), lines)
}

/** A final line end belongs to the line before it. */
export const lastLines = (text: string, lines: number | null): string => {
  if (lines === null) return text
  if (lines === 0) return ''
  const ended = text.endsWith('\n')
  const all = (ended ? text.slice(0, -1) : text).split('\n')
  return all.slice(-lines).join('\n') + (ended ? '\n' : '')
}
