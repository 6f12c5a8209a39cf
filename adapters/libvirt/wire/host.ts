import type { Line, Store } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { unclear } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import type { HostOption } from '../options.ts'
import type { Login } from './login.ts'
import { type Listening, openSession, type Session } from './session.ts'
import { assertNotSilent, noteHeard, noteSilent } from './silence.ts'
import { lineBeside, lineTo, type There, type Way } from './uri.ts'

/** One host, spoken to. */
export interface Host extends Session {
  name: string
  zone: string
  /** Where records of ours are, of things that no host keeps. */
  keep: Keep
  /** Opens a line to what else is on the host, which may outlive the work. Absent: by this way nothing but libvirt is reached. */
  beside?: (there: There) => Promise<Line>
}

/** The store, and the cloud whose records are meant. */
export interface Keep {
  store: Store
  cloudId: string
}
export const keepOf = ({ connection: { cloudId }, surroundings: { store } }: Spoken): Keep => ({ store, cloudId })

/** What a TLS server of libvirt says once it has accepted the client's certificate. */
const ACCEPTED = 1

const LATE = 'it did not answer in time'
const HUNG_UP =
  "it hung up before it had accepted the client's certificate: if it always does, see its tls_allowed_dn_list and its log"

/**
 * Opens a line to a host, works with it, and closes it: a line costs milliseconds, and none that is kept can be found dead.
 * All of the work has one deadline. Of several hosts one that was not
 * reached is left alone for a while. @throws `ambiguous` for a host that does not answer
 */
export const onHost = async <T>(context: Context, option: HostOption, work: (host: Host) => Promise<T>): Promise<T> => {
  const { options, surroundings } = context
  const limit = AbortSignal.timeout(surroundings.timeoutMs)
  if (options.hosts.length === 1) return reach(context, option, limit, work)
  try {
    assertNotSilent(context, option.name)
    return await reach(context, option, limit, work)
  } catch (error) {
    throw ofHost(error, option.name)
  }
}

/** Nobody listens to TLS, to SSH, or to a socket. */
const loginBy = ({ to }: Way, { username, password }: Context['connection']['credentials']): Login | null =>
  username && password ? { username, password, isPrivate: to.kind !== 'tcp' } : null

/** What one of several hosts does not answer says nothing of the cloud. */
const ofHost = (error: unknown, part: string): unknown =>
  error instanceof CloudError && error.code === 'ambiguous' && error.detail.part === undefined
    ? new CloudError(error.code, error.message, { ...error.detail, part })
    : error

type Spoken = Pick<Context, 'connection' | 'surroundings'>

/** The same for as long as the signal does not abort, with what the host tells by itself where that is heard. */
export const reach = async <T>(
  { connection, surroundings }: Spoken,
  { name, zone, way }: HostOption,
  limit: AbortSignal,
  work: (host: Host) => Promise<T>,
  listening?: Listening,
): Promise<T> => {
  if (!surroundings.dial) throw new CloudError('definitive', 'The cloud cannot be reached from here.')
  const unreached = (error: unknown) => {
    if (error instanceof CloudError && error.code === 'ambiguous') noteSilent({ connection, surroundings }, name)
    return Promise.reject(error)
  }
  const line = await surroundings
    .dial(lineTo(way, connection.credentials, listening?.endless))
    .catch((error) => unreached(refusal(name, error)))
  const hangUp = () => line.close()
  limit.addEventListener('abort', hangUp)
  try {
    const session = await (async () => {
      if (limit.aborted) throw refusal(name, new Error(LATE))
      if (way.to.kind === 'tls') await accepted(line, name, limit)
      return openSession(line, way.driver, listening, loginBy(way, connection.credentials))
    })().catch(unreached)
    noteHeard({ connection, surroundings }, name)
    const beside = lineBesideTo({ connection, surroundings }, { name, way })
    return await work({ name, zone, keep: keepOf({ connection, surroundings }), ...(beside && { beside }), ...session })
  } finally {
    limit.removeEventListener('abort', hangUp)
    line.close()
  }
}

/**
 * A line that a host carries over one of its own, for as long as either is open and the signal does not abort.
 * @param begin makes it, within the usual deadline
 */
export const carried = (
  context: Spoken,
  option: HostOption,
  limit: AbortSignal,
  begin: (host: Host) => Promise<Line>,
): Promise<Line> =>
  new Promise((resolve, reject) => {
    const closing = new AbortController()
    const close = () => closing.abort()
    const late = setTimeout(close, context.surroundings.timeoutMs)
    const over = AbortSignal.any([limit, closing.signal])
    const carry = async (host: Host) => {
      const line = await begin(host)
      clearTimeout(late)
      resolve({ ...line, close })
      if (!over.aborted) await new Promise<void>((done) => over.addEventListener('abort', () => done()))
    }
    reach(context, option, over, carry, { endless: true })
      .catch(reject)
      .finally(() => clearTimeout(late))
  })

/** How what else is on a host is reached: a port of its loopback, or a socket; null: by this way nothing but libvirt is. */
const lineBesideTo = (
  { connection: { credentials }, surroundings: { dial } }: Spoken,
  { name, way }: Pick<HostOption, 'name' | 'way'>,
): ((there: There) => Promise<Line>) | null => {
  if (!dial || (way.to.kind !== 'ssh' && way.to.kind !== 'unix')) return null
  return (there) => dial(lineBeside(way, credentials, there)!).catch((error) => Promise.reject(refusal(name, error)))
}

/** Whether TLS says that a client's certificate is missing or not believed: the codes that Node makes of OpenSSL's words for alerts. */
const isAboutCertificate = (code: string): boolean =>
  code.includes('_ALERT_') && ['CERTIFICATE', 'UNKNOWN_CA', 'ACCESS_DENIED'].some((what) => code.includes(what))

/** Why a host was not reached: `denied` only where it says so. A line that breaks may break for any reason. */
const refusal = (name: string, error: unknown): CloudError => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (isAboutCertificate(code)) return denied(name, "the client's certificate")
  if (code === 'ERR_SSH_LOGIN') return denied(name, 'the user and the private key')
  return unclear(`connecting to host ${name}`, error)
}

const denied = (name: string, what: string): CloudError =>
  new CloudError('denied', 'The cloud did not accept our credentials.', {
    operatorMessage: `Host ${name} did not accept ${what}.`,
  })

/** A TLS server of libvirt looks at the client's certificate once the line stands, and says so if it likes it. */
const accepted = async (line: Line, name: string, limit: AbortSignal): Promise<void> => {
  const told = await line.receive().catch((error) => Promise.reject(refusal(name, error)))
  if (told?.[0] === ACCEPTED) return
  if (told?.length) throw denied(name, "the client's certificate")
  throw refusal(name, new Error(limit.aborted ? LATE : HUNG_UP))
}
