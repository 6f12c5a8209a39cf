import type { Broker } from './broker.ts'

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: callers know what they asked for
  body: any
}

/** Speaks to a broker as one person: for what the OpenStack client has no words for. */
export interface Api {
  projectId: string
  userId: string
  token: string
  call(method: string, path: string, body?: unknown): Promise<Answer>
  /** As `call`; throws unless it succeeds. */
  must(method: string, path: string, body?: unknown): Promise<Answer['body']>
}

export interface Person {
  name: string
  password: string
  project: string
}

/** As one of the two whom every broker begins with. */
export const logIn = (broker: Broker, name: 'admin' | 'demo'): Promise<Api> =>
  logInAs(broker, { name, password: broker.passwords[name], project: name })

export const logInAs = async ({ url }: Pick<Broker, 'url'>, { name, password, project }: Person): Promise<Api> => {
  const send = async (method: string, path: string, body: unknown, token?: string): Promise<[Answer, Response]> => {
    const ask = () =>
      fetch(url + path, {
        method,
        headers: {
          ...(token ? { 'X-Auth-Token': token } : {}),
          ...(body ? { 'Content-Type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
    // A connection that was idle may be closed while the next request is on its way: to ask again changes nothing.
    const response = await ask().catch((error) => (method === 'GET' ? ask() : Promise.reject(error)))
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return [{ status: response.status, body: isJson ? JSON.parse(text) : text }, response]
  }
  const domain = { id: 'default' }
  const user = { name, domain, password }
  const scope = { project: { name: project, domain } }
  const auth = { identity: { methods: ['password'], password: { user } }, scope }
  const [answer, response] = await send('POST', '/identity/v3/auth/tokens', { auth })
  const token = response.headers.get('x-subject-token')
  if (answer.status !== 201 || !token) throw new Error(`${name} cannot log in: ${JSON.stringify(answer)}`)
  const call: Api['call'] = async (method, path, body) => (await send(method, path, body, token))[0]
  return {
    projectId: answer.body.token.project.id,
    userId: answer.body.token.user.id,
    token,
    call,
    must: async (method, path, body) => {
      const given = await call(method, path, body)
      if (given.status >= 300) throw new Error(`${method} ${path}: ${given.status} ${JSON.stringify(given.body)}`)
      return given.body
    },
  }
}
