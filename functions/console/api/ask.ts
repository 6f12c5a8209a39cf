import { Fault, faultOf } from './fault.ts'
import { here } from './here.ts'

/** What is asked besides the path. */
export interface Asked {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD'
  /** Sent as JSON. */
  body?: unknown
  /** Sent as it is, in place of `body`. */
  data?: Blob
  headers?: Record<string, string>
  signal?: AbortSignal | undefined
  /** It is asked to its end also where the page is left meanwhile. */
  keepalive?: boolean
  /** In place of that of the session; null: none. */
  token?: string | null
}

/** What an answer says: its body, null where there is none. */
export interface Told<T> {
  body: T
  headers: Headers
  status: number
}

/** Where the services are, below the page: no other origin is asked, whatever a catalogue says. */
const SERVICES = {
  identity: 'identity/v3',
  compute: 'compute/v2.1',
  network: 'network/v2.0',
  volume: '',
  image: 'image/v2',
  broker: 'broker/v1',
} satisfies Record<string, string>
export type ServiceName = keyof typeof SERVICES

/** The versions in which the console speaks: what it was written for. */
const VERSIONS: Partial<Record<ServiceName, string>> = { compute: 'compute 2.96', volume: 'volume 3.70' }

/** Who asks, told by the session: neither knows the other. */
export const asker: {
  token: () => string | null
  projectId: () => string
  /** This token was refused; true: there is another one, ask again. */
  refused: (token: string | null) => Promise<boolean>
} = { token: () => null, projectId: () => '', refused: async () => false }

const baseOf = (service: ServiceName): string =>
  service === 'volume' ? `volume/v3/${asker.projectId()}` : SERVICES[service]

/** The address of something at a service: the path with its query. */
export const addressOf = (service: ServiceName, path: string): string => here(`${baseOf(service)}${path}`)

const send = async (service: ServiceName, path: string, asked: Asked): Promise<Response> => {
  const token = asked.token === undefined ? asker.token() : asked.token
  const version = VERSIONS[service]
  const headers = {
    Accept: 'application/json',
    ...(token ? { 'X-Auth-Token': token } : {}),
    ...(version ? { 'OpenStack-API-Version': version } : {}),
    ...(asked.body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...asked.headers,
  }
  const body = asked.data ?? (asked.body === undefined ? null : JSON.stringify(asked.body))
  try {
    return await fetch(addressOf(service, path), {
      method: asked.method ?? 'GET',
      headers,
      body,
      cache: 'no-store',
      ...(asked.keepalive ? { keepalive: true } : {}),
      ...(asked.signal ? { signal: asked.signal } : {}),
    })
  } catch (error) {
    if (asked.signal?.aborted) throw error
    throw new Fault(0, 'The broker does not answer.')
  }
}

/**
 * Asks a service: `ask('compute', '/servers/detail?limit=50')`. A token that is over is renewed, if that can be done without
 * asking the user, and the question repeated once.
 * @throws Fault what the service said
 */
export const ask = async <T>(service: ServiceName, path: string, asked: Asked = {}): Promise<T> =>
  (await askWhole<T>(service, path, asked)).body

/** The same, with what the headers say. */
export const askWhole = async <T>(service: ServiceName, path: string, asked: Asked = {}): Promise<Told<T>> => {
  const used = asker.token()
  let response = await send(service, path, asked)
  if (response.status === 401 && asked.token === undefined && (await asker.refused(used)))
    response = await send(service, path, asked)
  if (!response.ok) throw await faultOf(response)
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('Content-Type') ?? '')
  const body = (text === '' ? null : isJson ? JSON.parse(text) : text) as T
  return { body, headers: response.headers, status: response.status }
}
