import type { ConsoleType } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { table } from '../../../adapters/table.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import { type Binding, getBinding } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { type Connected, connectCloud } from '../clouds/clouds.ts'
import { handedOver } from '../line/handed-over.ts'
import { refuse } from './server-refusal.ts'

/** Bytes that must pass now: the only calls to a cloud that a request waits for, beside `converge`. */

/** A server that is there, on its cloud. Throws `no-console` before. */
export const reach = async (
  context: Context,
  server: ServerRow,
): Promise<Connected & { binding: Binding; native: string }> => {
  const { id, cloudId, projectId } = server
  const ref = { kind: 'server', resourceId: id, scope: '' } as const
  const binding = cloudId === null ? null : await getBinding(context.db, { ...ref, cloudId })
  if (!binding?.nativeId || binding.phase !== 'bound') return refuse({ kind: 'no-console', id })
  return { ...(await connectCloud(context, binding.cloudId, projectId)), binding, native: binding.nativeId }
}

/** What a guest wrote on its console: the last `lines` of it, or all. One call to the cloud. */
export const consoleOutput = async (context: Context, server: ServerRow, lines: number | null): Promise<string> => {
  const { cloud, adapter, native } = await reach(context, server)
  if (!cloud.server.consoleLog) {
    const reason = adapter.lacks['server.console_log'] ?? 'The cloud of this server keeps no console log.'
    return refuse({ kind: 'incapable', reason })
  }
  const text = await cloud.server.consoleLog(native).catch((error) => {
    if (error instanceof CloudError && error.code === 'definitive')
      return refuse({ kind: 'no-output', reason: error.message })
    throw error
  })
  return lastLines(text, lines)
}

/** A URL that opens the console of a server once and soon. One call to the cloud; its holder needs no token. */
export const openConsole = async (
  context: Context,
  server: ServerRow,
  protocol: string,
  type: string,
): Promise<string> => {
  const { cloud, adapter, binding, native } = await reach(context, server)
  const { remoteConsole } = cloud.server
  if (!remoteConsole) {
    const reason = adapter.lacks['server.remote_console'] ?? 'The cloud of this server shows no screens.'
    return refuse({ kind: 'incapable', reason })
  }
  if (PROTOCOLS[type] !== protocol) return refuse({ kind: 'console-type', type, why: 'invalid' })
  const offered = remoteConsole.types.find((each: ConsoleType) => each.protocol === protocol && each.type === type)
  if (!offered) return refuse({ kind: 'console-type', type, why: 'unavailable' })
  const foreign = handedOver(binding.ownership)
  if (foreign) throw foreign
  return remoteConsole.open(native, offered).catch((error) => {
    if (error instanceof CloudError && error.code === 'conflict') return refuse({ kind: 'no-console', id: server.id })
    throw error
  })
}

/** The protocol of each type that Nova knows (nova/objects/console_auth_token.py and the API reference). */
const PROTOCOLS: Record<string, string> = table({
  novnc: 'vnc',
  xvpvnc: 'vnc',
  'spice-html5': 'spice',
  'rdp-html5': 'rdp',
  serial: 'serial',
  webmks: 'mks',
})

/** The last elements of the text cut at its line ends, as Nova counts them: what follows the final one is one, too. */
const lastLines = (text: string, lines: number | null): string => {
  if (lines === null) return text
  if (lines === 0) return ''
  return text.split('\n').slice(-lines).join('\n')
}
