import { type Client, PASSWORD, type Plimsoll } from '../../support/harness.ts'

export const V3 = '/identity/v3'

/** What a login by password says, for a scope as Keystone words it. */
export const login = (plimsoll: Plimsoll, name: string, scope?: unknown, domain = 'default') =>
  plimsoll.nobody.post(`${V3}/auth/tokens`, {
    auth: {
      identity: { methods: ['password'], password: { user: { name, domain: { id: domain }, password: PASSWORD } } },
      ...(scope === undefined ? {} : { scope }),
    },
  })

export const SYSTEM = { system: { all: true } }

/** Whoever logs in for a scope. Throws if the user is not let in. */
export const enter = async (plimsoll: Plimsoll, name: string, scope?: unknown, domain?: string): Promise<Client> => {
  const { status, headers, body } = await login(plimsoll, name, scope, domain)
  if (status !== 201) throw new Error(`${name} is not let in: ${JSON.stringify(body)}`)
  return plimsoll.bearer(headers.get('X-Subject-Token')!)
}

/** Makes one, and gives what the answer shows of it. Throws if it is refused. */
export const make = async (by: Client, collection: string, wish: Record<string, unknown>) => {
  const noun = collection.slice(0, -1)
  const { status, body } = await by.post(`${V3}/${collection}`, { [noun]: wish })
  if (status !== 201) throw new Error(`${noun}: ${JSON.stringify(body)}`)
  return body[noun] as { id: string; name: string; domain_id: string }
}

/** A new user who knows the password of all tests. */
export const person = (by: Client, name: string, more: object = {}) =>
  make(by, 'users', { name, password: PASSWORD, ...more })
