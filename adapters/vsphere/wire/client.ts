import type { Connection, Surroundings } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { exchange } from '../../shared/fetch.ts'
import { unclear } from '../../shared/refusals.ts'
import { type Element, textOf } from '../../shared/xml.ts'
import { fromFault } from '../errors.ts'
import { type Content, readContent } from './content.ts'
import { envelope, open, type Ref, ref, type Value } from './soap.ts'

/** A call that vCenter answers when something happens. */
interface Waiting {
  /** Longest that the answer may take, in place of the connection's own limit. */
  timeoutMs: number
  signal: AbortSignal
}

export interface Vim {
  /** One call; the response element. Logs in first where it has to, and once more where the session has ended. */
  call(self: Ref, method: string, parameters?: Record<string, Value>, waiting?: Waiting): Promise<Element>
  /** A call of the storage service, whose objects are the global catalogue of disks. */
  storage(method: string, parameters?: Record<string, Value>): Promise<Element>
  /** A file below vCenter's own address, e.g. `/folder/…`, whatever the status; within the session as a call is. */
  download(path: string, headers: Record<string, string>): Promise<Response>
  /** Writes a small file there, over what may be there already. @throws `ambiguous` where that is not confirmed */
  upload(path: string, data: Uint8Array<ArrayBuffer>): Promise<void>
  content(): Promise<Content>
  /** Who is logged in, as vCenter names them. */
  user(): Promise<string>
}

interface Session {
  cookie: string
  user: string
  content: Content
}

const SERVICE = ref('ServiceInstance', 'ServiceInstance')
const DISKS = ref('VslmVStorageObjectManager', 'VStorageObjectManager')
/** vCenter ends a session that was idle for 30 minutes unless it is told otherwise. */
const SESSION_MS = 20 * 60_000

/** https://vcenter/sdk, whichever of the two the operator wrote. */
export const sdkUrl = (endpoint: string): string => {
  const url = new URL(endpoint)
  return url.pathname === '/' ? `${url.origin}/sdk` : `${url.origin}${url.pathname}`
}

/** Two connections with the same one see the same objects. */
export const vcenterKey = ({ endpoint }: Pick<Connection, 'endpoint'>): string =>
  URL.canParse(endpoint ?? '') ? new URL(endpoint ?? '').host : ''

const cookieOf = (session: string) => ({ cookie: `vmware_soap_session="${session}"` })

/** A service of vCenter's: where it listens, and as which version of its API it is spoken to. */
interface Service {
  url: string
  namespace: string
  version?: string
}

/** One call to one of the services, without a session of its own. @throws the fault as ours, or `ambiguous` */
const send = async (
  surroundings: Surroundings,
  where: Service,
  self: Ref,
  method: string,
  parameters: Record<string, Value>,
  cookie?: string,
  waiting?: Waiting,
): Promise<{ answer: Element; cookies: string[] }> => {
  let cookies: string[] = []
  const fetching: typeof fetch = async (input, init) => {
    const response = await surroundings.fetch(input, init)
    cookies = response.headers.getSetCookie()
    return response
  }
  const body = envelope(where.namespace, method, self, parameters, where.namespace === 'urn:vim25' ? undefined : cookie)
  let status = 0
  let opened: ReturnType<typeof open>
  try {
    const { timeoutMs } = waiting ?? surroundings
    const got = await exchange({ fetch: fetching, timeoutMs }, where.url, {
      method: 'POST',
      headers: {
        'content-type': 'text/xml; charset=utf-8',
        soapaction: `"${where.namespace}${where.version ? `/${where.version}` : ''}"`,
        ...(cookie === undefined ? {} : cookieOf(cookie)),
      },
      body,
      ...(waiting ? { signal: waiting.signal } : {}),
    })
    status = got.status
    opened = open(new TextDecoder().decode(got.body))
  } catch (error) {
    throw unclear(`${method}${status ? ` (HTTP ${status})` : ''}`, error)
  }
  if ('fault' in opened) throw fromFault(opened.fault, method, 'call')
  if (status >= 300) throw unclear(method, `HTTP ${status}`)
  return { answer: opened.answer, cookies }
}

/**
 * vim25 over SOAP. The API version travels in `SOAPAction`: vCenter hides from a caller what is newer than that.
 * https://developer.broadcom.com/xapis/vsphere-web-services-api/latest/
 */
export const connectVim = (connection: Connection, surroundings: Surroundings): Vim => {
  const { username = '', password = '' } = connection.credentials
  const url = sdkUrl(connection.endpoint ?? '')
  const key = `vsphere/session/${connection.cloudId}/${url}/${username}`

  const vim25 = (version?: string) => ({ url, namespace: 'urn:vim25', ...(version ? { version } : {}) })

  const login = async (): Promise<Session> => {
    const first = readContent((await send(surroundings, vim25(), SERVICE, 'RetrieveServiceContent', {})).answer)
    const { apiVersion } = first
    // Asked once more as the version that it is: what came after the oldest version is only shown to those who ask.
    const content = readContent(
      (await send(surroundings, vim25(apiVersion), SERVICE, 'RetrieveServiceContent', {})).answer,
    )
    const { answer, cookies } = await send(surroundings, vim25(apiVersion), content.sessions, 'Login', {
      userName: username,
      password,
    })
    const cookie = cookies.map((each) => /^vmware_soap_session="?([^";]+)/.exec(each)?.[1]).find((each) => each)
    if (!cookie) throw unclear('Login', 'no session cookie')
    return { cookie, user: textOf(answer, 'returnval', 'userName') ?? username, content }
  }

  const session = async (fresh = false): Promise<Session> => {
    const kept = surroundings.cache.get(key)
    if (kept && !fresh && kept.until > surroundings.now()) {
      kept.until = surroundings.now() + SESSION_MS
      return kept.value as Session
    }
    const value = await login()
    surroundings.cache.set(key, { value, until: surroundings.now() + SESSION_MS })
    return value
  }

  /** A session that vCenter has forgotten refuses before anything is done, so asking once more is safe. */
  const within = async <T>(ask: (open: Session) => Promise<T>): Promise<T> => {
    const kept = await session()
    try {
      return await ask(kept)
    } catch (error) {
      if (!(error instanceof CloudError && error.detail.cloudCode === 'NotAuthenticated')) throw error
      const known = surroundings.cache.get(key)?.value
      return ask(await session(known === kept || known === undefined))
    }
  }

  const file = (
    method: 'GET' | 'PUT',
    path: string,
    headers: Record<string, string>,
    body?: Uint8Array<ArrayBuffer>,
  ): Promise<Response> =>
    within(async ({ cookie }) => {
      const asked = {
        method,
        headers: { ...headers, ...cookieOf(cookie) },
        ...(body ? { body } : {}),
        redirect: 'manual',
        signal: AbortSignal.timeout(surroundings.timeoutMs),
      } as const
      const response = await surroundings.fetch(new URL(path, url), asked).catch((error) => {
        throw unclear(`${method} ${path}`, error)
      })
      if (response.status !== 401) return response
      await response.body?.cancel()
      throw fromFault({ type: 'NotAuthenticated', message: '' }, `${method} ${path}`, 'call')
    })

  return {
    call: (self, method, parameters = {}, waiting) =>
      within(async ({ cookie, content }) => {
        const { answer } = await send(
          surroundings,
          vim25(content.apiVersion),
          self,
          method,
          parameters,
          cookie,
          waiting,
        )
        return answer
      }),
    storage: (method, parameters = {}) =>
      within(async ({ cookie }) => {
        const where = { url: new URL('/vslm/sdk', url).href, namespace: 'urn:vslm' }
        return (await send(surroundings, where, DISKS, method, parameters, cookie)).answer
      }),
    download: (path, headers) => file('GET', path, headers),
    async upload(path, data) {
      const response = await file('PUT', path, { 'content-type': 'application/octet-stream' }, data)
      await response.body?.cancel()
      if (response.status === 403) throw fromFault({ type: 'NoPermission', message: '' }, `PUT ${path}`, 'call')
      if (!response.ok) throw unclear(`PUT ${path}`, `HTTP ${response.status}`)
    },
    content: async () => (await session()).content,
    user: async () => (await session()).user,
  }
}
