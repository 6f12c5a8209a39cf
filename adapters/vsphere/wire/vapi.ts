import type { Surroundings } from '../../contract.ts'
import { CloudError, type CloudErrorCode } from '../../errors.ts'
import { exchange } from '../../shared/fetch.ts'
import { unclear } from '../../shared/refusals.ts'
import { remembered } from '../../shared/remember.ts'
import type { Context } from '../context.ts'

/** vCenter's other API, which alone knows content libraries. */
export interface Vapi {
  /** `api` since 7.0 U2; `rest`, where answers are wrapped and identifiers say that they are some, before. */
  form: 'api' | 'rest'
  get<T>(path: string): Promise<T>
  /**
   * A call that answers when all is done, however long that takes.
   * @param token a repeated call with the same one is not a second call
   */
  order<T>(path: string, body: Record<string, unknown>, token: string): Promise<T>
}

interface Session {
  form: Vapi['form']
  id: string
}

const SESSION_MS = 4 * 60_000

/** The standard errors, by HTTP status. https://developer.broadcom.com/xapis/vsphere-automation-api/latest/ */
const CODES: Record<number, [CloudErrorCode, string]> = {
  400: ['definitive', 'The cloud cannot do this with the given values.'],
  401: ['denied', 'The cloud did not accept our credentials.'],
  403: ['denied', 'The cloud account may not do this.'],
  404: ['not_found', 'The cloud does not know this object.'],
  409: ['conflict', 'The object is not in the state that this needs.'],
  429: ['throttled', 'The cloud asks for fewer requests.'],
}

const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

/** The body of an answer. @throws what its status means, `ambiguous` for what is no JSON */
const read = (action: string, status: number, text: string, form: Vapi['form']): unknown => {
  if (status >= 300) {
    const [code, sentence] = CODES[status] ?? ['ambiguous', 'The cloud did not give a clear answer.']
    throw new CloudError(code, sentence, {
      cloudCode: /"(?:error_type|type)"\s*:\s*"([^"]+)"/.exec(text)?.[1],
      operatorMessage: `${action}: HTTP ${status} ${/"default_message"\s*:\s*"([^"]*)"/.exec(text)?.[1] ?? ''}`.trim(),
    })
  }
  try {
    const answer: unknown = text === '' ? null : JSON.parse(text)
    return form === 'rest' ? ((answer as { value?: unknown } | null)?.value ?? null) : answer
  } catch (error) {
    throw unclear(action, error)
  }
}

const send = async (
  surroundings: Surroundings,
  origin: string,
  path: string,
  method: string,
  headers: Record<string, string>,
  body?: string,
) => {
  try {
    const answer = await exchange(surroundings, origin + path, { method, headers, ...(body ? { body } : {}) })
    return { status: answer.status, text: new TextDecoder().decode(answer.body) }
  } catch (error) {
    throw unclear(path, error)
  }
}

/** Null: this vCenter has no such API, or not for us. */
export const vapiOf = async (context: Context): Promise<Vapi | null> => {
  const { surroundings, connection } = context
  const { origin } = new URL(connection.endpoint ?? '')
  const { username = '', password = '' } = connection.credentials
  const key = `vsphere/vapi/${connection.cloudId}/${origin}/${username}`

  const login = async (): Promise<Session | null> => {
    const headers = { authorization: `Basic ${base64(`${username}:${password}`)}` }
    for (const [form, path] of [
      ['api', '/api/session'],
      ['rest', '/rest/com/vmware/cis/session'],
    ] as const) {
      const { status, text } = await send(surroundings, origin, path, 'POST', headers)
      if (status === 404) continue
      return { form, id: String(read(path, status, text, form)) }
    }
    return null
  }

  const session = (fresh = false): Promise<Session | null> => remembered(surroundings, key, SESSION_MS, login, fresh)

  const first = await session()
  if (!first) return null
  const { form } = first
  const within = async (ask: (id: string) => Promise<{ status: number; text: string }>, action: string) => {
    let answer = await ask(((await session()) ?? first).id)
    if (answer.status === 401) answer = await ask(((await session(true)) ?? first).id)
    return read(action, answer.status, answer.text, form)
  }
  return {
    form,
    get: async <T>(path: string) =>
      (await within((id) => send(surroundings, origin, path, 'GET', { 'vmware-api-session-id': id }), path)) as T,
    async order<T>(path: string, body: Record<string, unknown>, token: string) {
      const ask = async (id: string) => {
        try {
          const response = await surroundings.fetch(origin + path, {
            method: 'POST',
            headers: { 'vmware-api-session-id': id, 'client-token': token, 'content-type': 'application/json' },
            body: JSON.stringify(form === 'rest' ? { client_token: token, ...body } : body),
            redirect: 'manual',
          })
          return { status: response.status, text: await response.text() }
        } catch (error) {
          throw unclear(path, error)
        }
      }
      return (await within(ask, path)) as T
    },
  }
}
