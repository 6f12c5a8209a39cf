import { type Brought, type ConsoleType, type Diagnostics, isBrought, type Line } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { table } from '../../../adapters/table.ts'
import { keepConsoleWord, takeConsoleWord } from '../../../db/queries/compute/console-words.ts'
import { type ServerRow, serverById } from '../../../db/queries/compute/servers.ts'
import { rolesLeft } from '../../../db/queries/identity/tokens.ts'
import { type Binding, getBinding } from '../../../db/queries/line/bindings.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Caller, Context, Host } from '../../context.ts'
import { type Connected, connectCloud } from '../clouds/clouds.ts'
import { handedOver } from '../line/handed-over.ts'
import { newOneTime, oneTimeKept } from '../line/one-time.ts'
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

/** Why nothing is told: the cloud never does, or not while the machine is as it is. */
export type Untold = { lacking: string } | { off: true }

/** What the machine of a server has used. One call to the cloud, for which the request waits. */
export const diagnosticsOf = async (context: Context, server: ServerRow): Promise<Diagnostics | Untold> => {
  const { cloud, adapter, native } = await reach(context, server)
  const lacking = adapter.lacks['server.diagnostics']
  if (!cloud.server.diagnose || lacking !== undefined)
    return { lacking: lacking ?? 'The cloud of this server counts nothing.' }
  return cloud.server.diagnose(native).catch((error) => {
    if (error instanceof CloudError && error.code === 'conflict') return { off: true as const }
    throw error
  })
}

/**
 * A URL that opens the console of a server once and soon. Its holder needs no token.
 * @param origin of the broker, as its caller sees it
 */
export const openConsole = async (
  context: Context,
  server: ServerRow,
  { protocol, type, origin }: { protocol: string; type: string; origin: string },
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
  const opened = isBrought(remoteConsole)
    ? handOut(context, server.id, { brought: remoteConsole, native, offered, origin })
    : remoteConsole.open(native, offered)
  return opened.catch((error) => {
    if (error instanceof CloudError && error.code === 'conflict') return refuse({ kind: 'no-console', id: server.id })
    throw error
  })
}

/** As long as Nova's (`[consoleauth] token_ttl`), though once. */
const GOOD_MS = 600_000

/** Where a console that the broker brings is asked for, below its origin. */
export const CONSOLES = '/console'
const NOT_HERE =
  'The console of this server is brought by a WebSocket, which a broker on Workers does not do; one on Node does.'

/** A URL of ours, for a console that the cloud shows nobody but us. */
const handOut = async (
  context: Context,
  serverId: string,
  { brought, native, offered, origin }: { brought: Brought; native: string; offered: ConsoleType; origin: string },
): Promise<string> => {
  const { db, now, caller, consolePage } = context
  if (!consolePage) return refuse({ kind: 'incapable', reason: NOT_HERE })
  await brought.admit(native, offered)
  const word = newOneTime()
  const [kept = ''] = oneTimeKept(context, 'console', word)
  await keepConsoleWord(db, { word: kept, serverId, ...offered, asker: caller ?? {}, expiresAt: now() + GOOD_MS })
  const socket = `socket?token=${word}`
  return offered.protocol === 'serial'
    ? `${origin.replace(/^http/, 'ws')}${CONSOLES}/${socket}`
    : `${origin}${CONSOLES}/vnc_auto.html?path=${encodeURIComponent(`${CONSOLES.slice(1)}/${socket}`)}`
}

/** A console that is being brought to somebody. */
export interface BroughtConsole {
  serverId: string
  line: Line
  /** Whether the server is there still, and the token by which the console was asked for still is good for that. */
  stands(): Promise<boolean>
}

interface Opening {
  limit: AbortSignal
  busy(serverId: string): boolean
  entitled(asker: Caller, roles: string[]): Caller | null
  requestId: string
}

/**
 * Opens what a word is for, which it is for this once.
 * @param busy whether nobody else is let in to the console of that server
 * @param entitled who asked for it, with the roles that are left; null: they are not enough any more
 * @returns null: it is for nothing, or not any more. Throws what the cloud says
 */
export const bringConsole = async (
  host: Host,
  word: string,
  { limit, busy, entitled, requestId }: Opening,
): Promise<BroughtConsole | null> => {
  const { db } = host
  const found = await takeConsoleWord(db, oneTimeKept(host, 'console', word), host.now())
  if (!found || busy(found.serverId)) return null
  const { serverId } = found
  const asker = found.asker as Caller
  const server = async () => {
    const left = await rolesLeft(db, asker)
    const caller = left && entitled(asker, left)
    if (!caller) return null
    const scope = caller.isAdmin ? everyProject : { projectId: caller.projectId }
    const row = await serverById(db, scope, serverId)
    return row && { row, context: { ...host, requestId, caller, scope } }
  }
  const asked = await server()
  if (!asked) return null
  const { cloud, binding, native } = await reach(asked.context, asked.row)
  const { remoteConsole } = cloud.server
  const foreign = handedOver(binding.ownership)
  if (foreign) throw foreign
  const offered = remoteConsole?.types.find(({ protocol, type }) => protocol === found.protocol && type === found.type)
  if (!remoteConsole || !offered || !isBrought(remoteConsole)) return null
  const line = await remoteConsole.connect(native, offered, limit)
  return { serverId, line, stands: async () => (await server()) !== null }
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
