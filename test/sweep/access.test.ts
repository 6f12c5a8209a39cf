import { beforeAll, describe, expect, test } from 'vitest'
import { operations } from '../../functions/app.ts'
import { Fault } from '../../functions/http/fault.ts'
import { type Answer, type Client, PASSWORD, type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { changes, parametersOf, pathOf, type Route, titleOf, versionHeader, versionOf, walking } from './calls.ts'
import { schemaOf, takes } from './examples.ts'

let plimsoll: Plimsoll
let send: Record<'admin' | 'demo' | 'onlooker', Client['send']>
/** One that there is, of the collections of which what there is not is told to everybody. */
const there: Record<string, string> = {}
beforeAll(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  await plimsoll.newUser('onlooker', 'demo', ['reader'])
  const by = (name: string) => walking(plimsoll, name)
  send = { admin: by('admin'), demo: by('demo'), onlooker: by('onlooker') }
  const made = async (path: string, body: object) =>
    (await plimsoll.as('admin').post(`/identity/v3/${path}`, body)).body
  const service = (await made('services', { service: { type: 'dns', name: 'designate' } })).service
  const what = { service_id: service.id, resource_name: 'zones' }
  await made('registered_limits', { registered_limits: [{ ...what, default_limit: 1 }] })
  const limit = { ...what, project_id: plimsoll.projectId('demo'), resource_limit: 2 }
  const { limits } = await made('limits', { limits: [limit] })
  const { group } = await made('groups', { group: { name: 'crew' } })
  Object.assign(there, { limits: limits[0].id, groups: group.id, domains: 'default', roles: plimsoll.roleId('admin') })
})

const routes = operations.map((route): [string, Route] => [titleOf(route), route])
const guarded = routes.filter(([, { operation }]) => operation.who !== 'public')
const somewhere = (route: Route) =>
  pathOf(route, ({ name }) => (name === 'project_id' ? plimsoll.projectId('demo') : 'x'))
/** What is refused to who lacks a role, rather than not found. */
const something = (route: Route) =>
  route.operation.absent ? pathOf(route, ({ of }) => there[of] ?? expect.fail(of)) : somewhere(route)
const headers = (route: Route, minor = versionOf(route)) => versionHeader(route, minor)

/** The keys of an error say which service speaks; so does the type of the text. */
const shapeOf = (body: unknown): unknown =>
  body && typeof body === 'object'
    ? Object.fromEntries(Object.entries(body).map(([key, value]) => [key, Object.keys(value as object).sort()]))
    : typeof body
const spoken = ({ service }: Route, status: number): unknown => {
  const { body, contentType } = service.dialect.render(new Fault(status, 'x'), 'req-x')
  return shapeOf(contentType.includes('json') ? JSON.parse(body) : body)
}
const isFault = (route: Route, answer: Answer, status: number) => {
  expect(answer.status).toBe(status)
  if (route.operation.method === 'HEAD') return
  expect(shapeOf(answer.body)).toEqual(spoken(route, status))
  for (const header of route.service.dialect.requestIdHeaders) expect(answer.headers.get(header)).toMatch(/^req-/)
}

describe('without a token', () => {
  test.each(guarded)('%s is 401', async (_, route) => {
    const { method } = route.operation
    isFault(
      route,
      await plimsoll.nobody.send(method, somewhere(route), changes(route) ? {} : undefined, headers(route)),
      401,
    )
    isFault(route, await plimsoll.bearer('v1.forged').send(method, somewhere(route), undefined, headers(route)), 401)
  })
})

describe('with an expired token', () => {
  test('nothing is to be had', async () => {
    const token = await plimsoll.as('demo').token()
    const before = plimsoll.clock.now
    plimsoll.clock.advance(3_601_000)
    const statuses = new Map<number, string[]>()
    for (const [title, route] of guarded) {
      const { status } = await plimsoll
        .bearer(token)
        .send(route.operation.method, somewhere(route), undefined, headers(route))
      statuses.set(status, [...(statuses.get(status) ?? []), title])
    }
    plimsoll.clock.now = before
    statuses.delete(401)
    expect([...statuses]).toEqual([])
  })
})

describe('with access rules', () => {
  const path = () => `/identity/v3/users/${plimsoll.userId('admin')}/application_credentials`
  let made = 0
  /** A token of an administrator that is good for these requests alone, and what every route answers it with. */
  const answersTo = async (access_rules: object[]): Promise<Map<string, number>> => {
    const admin = plimsoll.as('admin')
    const wish = { name: `robot ${++made}`, unrestricted: true, access_rules }
    const { id, secret } = (await admin.post(path(), { application_credential: wish })).body.application_credential
    const identity = { methods: ['application_credential'], application_credential: { id, secret } }
    const { headers: said } = await plimsoll.nobody.post('/identity/v3/auth/tokens', { auth: { identity } })
    const robot = plimsoll.bearer(said.get('X-Subject-Token')!)
    const statuses = new Map<string, number>()
    for (const [title, route] of guarded) {
      const body = changes(route) ? {} : undefined
      statuses.set(title, (await robot.send(route.operation.method, somewhere(route), body, headers(route))).status)
    }
    return statuses
  }
  /** Whoever has a token may ask what it is. */
  const OPEN = 'GET /identity/v3/auth/tokens'

  test('that name something else nothing is to be had', async () => {
    const statuses = await answersTo([{ service: 'none', method: 'GET', path: '/**' }])
    expect([...statuses].flatMap(([title, status]) => (status === 401 ? [] : [title]))).toEqual([OPEN])
  }, 60_000)

  test('that name everything of a service that is in the catalogue, everything is, and no more', async () => {
    const methods = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT']
    for (const type of ['compute', 'network']) {
      const statuses = await answersTo(methods.map((method) => ({ service: type, method, path: '/**' })))
      const closed = guarded.filter(
        ([title, { service }]) => (statuses.get(title) === 401) === service.types.includes(type),
      )
      expect(closed.map(([title]) => title).filter((title) => title !== OPEN)).toEqual([])
    }
  }, 60_000)
})

describe('with the role of a reader', () => {
  const restricted = guarded.filter(([, { operation }]) => !['reader', 'authenticated'].includes(operation.who))
  test.each(restricted)('%s is 403', async (_, route) => {
    const body = changes(route) ? {} : undefined
    const answer = await send.onlooker(route.operation.method, something(route), body, headers(route))
    isFault(route, answer, 403)
  })
})

describe('with the role of a member', () => {
  test.each(guarded.filter(([, { operation }]) => ['manager', 'admin'].includes(operation.who)))(
    '%s is 403',
    async (_, route) => {
      const body = changes(route) ? {} : undefined
      const answer = await send.demo(route.operation.method, something(route), body, headers(route))
      isFault(route, answer, 403)
    },
  )
})

describe('of what there is not', () => {
  test.each(guarded.filter(([, { operation }]) => operation.absent))('%s is 404 to everybody', async (_, route) => {
    const body = changes(route) ? {} : undefined
    isFault(route, await send.onlooker(route.operation.method, somewhere(route), body, headers(route)), 404)
  })
})

describe('with a role on the system or on a domain', () => {
  /** Whoever has a role there alone. */
  const holding = async (role: string, target: 'system' | 'domain') => {
    const name = `${role} of the ${target}`
    const password = PASSWORD
    const { id } = (await plimsoll.as('admin').post('/identity/v3/users', { user: { name, password } })).body.user
    const path = `/identity/v3/${target === 'system' ? 'system' : 'domains/default'}/users/${id}/roles/${plimsoll.roleId(role)}`
    expect((await plimsoll.as('admin').put(path)).status).toBe(204)
    const identity = { methods: ['password'], password: { user: { id, password } } }
    const scope = target === 'system' ? { system: { all: true } } : { domain: { id: 'default' } }
    const { headers: said } = await plimsoll.nobody.post('/identity/v3/auth/tokens', { auth: { identity, scope } })
    return plimsoll.bearer(said.get('X-Subject-Token')!).send
  }
  const RANKS = ['reader', 'member', 'manager', 'admin']
  const asked = guarded.filter(([, { operation }]) => operation.who !== 'authenticated')

  test.each(
    (['system', 'domain'] as const).flatMap((target) => ['reader', 'admin'].map((role) => [role, target] as const)),
  )(
    'a %s of the %s may what says so, and nothing else',
    async (role, target) => {
      const by = await holding(role, target)
      const wrong: string[] = []
      for (const [title, route] of asked) {
        const least = route.operation.also?.[target]
        const may = least !== undefined && RANKS.indexOf(role) >= RANKS.indexOf(least)
        const body = changes(route) ? {} : undefined
        const path = may ? somewhere(route) : something(route)
        const answer = await by(route.operation.method, path, body, headers(route))
        const { status } = answer
        // What is in no domain at all is refused to who is of one; what no configuration has is with Keystone, to whoever asks.
        const asSuch = target === 'domain' || /^Invalid domain specific/.test(answer.body?.error?.message)
        const fits = may ? status !== 401 && (asSuch || status !== 403) : status === 403
        if (!fits) wrong.push(`${title}: ${status}`)
      }
      expect(wrong).toEqual([])
    },
    120_000,
  )
})

describe('a body that is', () => {
  const withBody = routes.filter(([, { operation }]) => operation.body)
  const patch = 'application/openstack-images-v2.1-json-patch'
  const admin = (route: Route, text: string) => {
    const type =
      route.operation.method === 'PATCH' && route.service.dialect.name === 'image' ? patch : 'application/json'
    const bytes = new TextEncoder().encode(text)
    return send.admin(route.operation.method, somewhere(route), bytes, { ...headers(route), 'Content-Type': type })
  }
  test.each(withBody)('no JSON: %s is 400', async (_, route) => isFault(route, await admin(route, '{"'), 400))
  test.each(withBody)('something else: %s is 400', async (_, route) => {
    const schema = schemaOf(route)!
    for (const value of [[], 'x', null, 17, { colour: { red: 1 } }]) {
      const answer = await admin(route, JSON.stringify(value))
      // What takes anything may look for the thing itself first.
      if (takes(schema, value) && answer.status === 404 && parametersOf(route).length) isFault(route, answer, 404)
      else isFault(route, answer, 400)
    }
  })
  test.each(withBody)('nested too deeply: %s is 400', async (_, route) =>
    isFault(route, await admin(route, `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`), 400),
  )
})

describe('outside of its microversions', () => {
  const windowed = routes.filter(([, { operation }]) => operation.since !== undefined || operation.until !== undefined)
  test.each(windowed)('%s is 404', async (_, route) => {
    const { since, until, method } = route.operation
    const { min, max } = route.service.microversions!
    const outside = [
      ...(since !== undefined && since > min ? [since - 1] : []),
      ...(until !== undefined && until < max ? [until + 1] : []),
    ]
    const body = changes(route) ? {} : undefined
    for (const minor of outside)
      isFault(route, await send.admin(method, somewhere(route), body, headers(route, minor)), 404)
  })
})
