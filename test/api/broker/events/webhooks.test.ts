import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { sweepLeftovers } from '../../../../functions/janitor.ts'
import { NOVA } from '../../compute/servers/world.ts'
import { newReceiver, signatureOf } from './receiver.ts'

const HOOKS = '/broker/v1/webhooks'
let w: Awaited<ReturnType<typeof newReceiver>>
beforeEach(async () => {
  w = await newReceiver()
})

const running = () => w.world.running({ networks: 'none' })

describe('a webhook', () => {
  test('is sent what happens, signed, with its secret told once', async () => {
    const hook = await w.hook()
    expect(hook).toMatchObject({ name: 'hook', types: [], enabled: true, disabled_reason: null, failing_since: null })
    expect(hook.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const id = await running()
    await w.plimsoll.runDeferred()
    expect(w.receiver.statuses(id)).toEqual(['BUILD', 'ACTIVE'])
    for (const arrival of w.receiver.arrivals) {
      expect([arrival.url, arrival.redirect]).toEqual(['https://hooks.test/in', 'manual'])
      expect(arrival.headers.get('content-type')).toBe('application/json')
      expect(arrival.headers.get('webhook-signature')).toBe(signatureOf(hook.secret, arrival))
      expect(Number(arrival.headers.get('webhook-timestamp'))).toBe(Math.floor(arrival.at / 1000))
      expect([arrival.body.id, arrival.body.project_id]).toEqual([arrival.id, w.plimsoll.projectId('demo')])
    }
    expect(await w.shown(hook.id)).not.toHaveProperty('secret')
    const rows = await w.plimsoll.db.all(sql`select * from webhooks`)
    expect(JSON.stringify(rows)).not.toContain(hook.secret.slice(6))
    const sent = await w.deliveries(hook.id)
    expect(sent.map(({ status, tries }: { status: string; tries: number }) => [status, tries])).toEqual([
      ['delivered', 1],
      ['delivered', 1],
      ['delivered', 1],
    ])
  })

  test('is sent the types that it wants, by a secret that it gives', async () => {
    const secret = `whsec_${btoa('k'.repeat(32))}`
    const hook = await w.hook({ types: ['server.placed', 'server.placed'], secret })
    expect([hook.types, hook.secret]).toEqual([['server.placed'], secret])
    await running()
    await w.plimsoll.runDeferred()
    expect(w.receiver.arrivals.map(({ body }) => body.type)).toEqual(['server.placed'])
    expect(w.receiver.arrivals[0]!.headers.get('webhook-signature')).toBe(signatureOf(secret, w.receiver.arrivals[0]!))
  })

  test('is tested by itself, even if it wants other types', async () => {
    const [hook] = [await w.hook({ types: ['server.placed'] }), await w.hook({ url: 'https://hooks.test/other' })]
    expect((await w.demo.post(`${HOOKS}/${hook.id}/test`)).status).toBe(202)
    await w.plimsoll.runDeferred()
    expect(w.receiver.arrivals.map(({ url, body }) => [url, body.type])).toEqual([
      ['https://hooks.test/in', 'webhook.test'],
    ])
  })

  test('is changed, switched off and on again, and removed', async () => {
    const hook = await w.hook()
    const patch = async (webhook: object) => w.demo.patch(`${HOOKS}/${hook.id}`, { webhook })
    expect((await patch({ name: 'other', url: 'https://hooks.test/new' })).body.webhook).toMatchObject({
      ...{ name: 'other', url: 'https://hooks.test/new', enabled: true },
    })
    await patch({ enabled: false })
    await running()
    await w.plimsoll.runDeferred()
    expect(w.receiver.arrivals).toEqual([])
    expect(await w.plimsoll.db.all(sql`select 1 from notices`)).toEqual([])
    expect((await w.demo.post(`${HOOKS}/${hook.id}/test`)).status).toBe(409)
    await patch({ enabled: true, types: ['server.status'] })
    const id = await running()
    await w.plimsoll.runDeferred()
    expect(w.receiver.arrivals.map(({ url }) => url)).toEqual(['https://hooks.test/new', 'https://hooks.test/new'])
    expect((await w.demo.delete(`${HOOKS}/${hook.id}`)).status).toBe(204)
    await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    expect(w.receiver.arrivals.length).toBe(2)
    expect((await w.demo.get(`${HOOKS}/${hook.id}`)).status).toBe(404)
    expect(await w.plimsoll.db.all(sql`select webhooks from listeners`)).toEqual([{ webhooks: 0 }])
  })

  test('is one of ten, or of as many as an administrator says', async () => {
    for (let i = 0; i < 10; i++) await w.hook()
    const more = () => w.demo.post(HOOKS, { webhook: { name: 'more', url: 'https://hooks.test/' } })
    expect([(await more()).status, (await more()).body.error.message]).toEqual([
      409,
      "Quota exceeded for resources: ['webhooks'].",
    ])
    const quota = `/broker/v1/projects/${w.plimsoll.projectId('demo')}/quotas/webhooks`
    expect((await w.world.admin.put(quota, { quota: { webhooks: 11 } })).body.quota).toEqual({
      project_id: w.plimsoll.projectId('demo'),
      webhooks: { limit: 11, used: 10 },
    })
    expect([(await more()).status, (await more()).status]).toEqual([201, 409])
    const [first] = (await w.demo.get(HOOKS)).body.webhooks
    await w.demo.delete(`${HOOKS}/${first.id}`)
    expect((await more()).status).toBe(201)
  })

  test('is nothing to another project, nor to a reader', async () => {
    const hook = await w.hook()
    await w.plimsoll.newProject('other', { clouds: ['sandbox'] })
    await w.plimsoll.newUser('reader', 'demo', ['reader'])
    const [other, reader] = [w.plimsoll.as('other'), w.plimsoll.as('reader')]
    for (const [method, path] of [
      ...(['GET', 'PATCH', 'DELETE'] as const).map((method) => [method, `${HOOKS}/${hook.id}`] as const),
      ['POST', `${HOOKS}/${hook.id}/test`] as const,
      ['GET', `${HOOKS}/${hook.id}/deliveries`] as const,
      ['POST', `${HOOKS}/${hook.id}/deliveries/x/replay`] as const,
      ['POST', `${HOOKS}/${hook.id}/replay`] as const,
    ]) {
      const body = path.endsWith(`${hook.id}/replay`)
        ? { replay: { from: '2026-01-01T00:00:00Z' } }
        : method === 'PATCH'
          ? { webhook: { name: 'mine' } }
          : undefined
      expect([method, path, (await other.send(method, path, body)).status]).toEqual([method, path, 404])
      expect([method, path, (await reader.send(method, path, body)).status]).toEqual([method, path, 403])
    }
    expect((await other.get(HOOKS)).body.webhooks).toEqual([])
    expect((await other.get(`${HOOKS}?project_id=${w.plimsoll.projectId('demo')}`)).status).toBe(404)
    const admins = await w.world.admin.get(`${HOOKS}?project_id=${w.plimsoll.projectId('demo')}`)
    expect(admins.body.webhooks.map(({ id }: { id: string }) => id)).toEqual([hook.id])
    await w.plimsoll.as('other').post(`${NOVA}/servers`, {
      server: { name: 'theirs', flavorRef: '1', imageRef: w.world.image, networks: 'none' },
    })
    await w.plimsoll.settle()
    expect(w.receiver.arrivals).toEqual([])
  })

  test('goes with its project', async () => {
    await w.plimsoll.newProject('passing', { clouds: ['sandbox'] })
    const webhook = { name: 'hook', url: 'https://hooks.test/in' }
    expect((await w.plimsoll.as('passing').post(HOOKS, { webhook })).status).toBe(201)
    const gone = await w.world.admin.delete(`/identity/v3/projects/${w.plimsoll.projectId('passing')}`)
    expect(gone.status).toBe(204)
    expect(await w.plimsoll.db.all(sql`select 1 from webhooks union all select 1 from listeners`)).toEqual([])
  })
})

describe('another secret', () => {
  const secretOf = (letter: string) => `whsec_${btoa(letter.repeat(32))}`
  const patch = async (id: string, webhook: object) => w.demo.patch(`${HOOKS}/${id}`, { webhook })
  /** Whose signatures the next event has. */
  const signers = async (id: string, secrets: Record<string, string>) => {
    await w.demo.post(`${HOOKS}/${id}/test`)
    await w.plimsoll.runDeferred()
    const arrival = w.receiver.arrivals.at(-1)!
    const by = new Map(Object.entries(secrets).map(([name, secret]) => [signatureOf(secret, arrival), name]))
    return arrival.headers
      .get('webhook-signature')!
      .split(' ')
      .map((signature) => by.get(signature))
  }
  const until = (days: number) => new Date(w.plimsoll.clock.now + days * 86_400_000).toISOString()

  test('signs at once, and the one before beside it for a day', async () => {
    const hook = await w.hook()
    const secrets = { old: hook.secret, new: secretOf('n') }
    const turned = (await patch(hook.id, { secret: secrets.new })).body.webhook
    expect([turned.previous_secret_until, turned.secret]).toEqual([until(1), undefined])
    expect(await signers(hook.id, secrets)).toEqual(['new', 'old'])
    const [row] = await w.plimsoll.db.all<Record<string, string>>(sql`select * from webhooks`)
    expect(row!.previous_secret).toMatch(/^v1\./)
    expect(JSON.stringify(row)).not.toContain(hook.secret.slice(6))
    // Said again, it replaces nothing.
    await patch(hook.id, { secret: secrets.new })
    expect(await signers(hook.id, secrets)).toEqual(['new', 'old'])
    w.plimsoll.clock.advance(86_400_000)
    expect(await signers(hook.id, secrets)).toEqual(['new'])
    expect((await w.shown(hook.id)).previous_secret_until).toBeNull()
    await sweepLeftovers(w.plimsoll.context())
    expect(await w.plimsoll.db.all(sql`select previous_secret from webhooks`)).toEqual([{ previous_secret: null }])
  })

  test('has the one before beside it as long as is said, or not at all', async () => {
    const hook = await w.hook()
    const secrets = { old: hook.secret, new: secretOf('n'), newest: secretOf('m') }
    await patch(hook.id, { secret: secrets.new, previous_secret_until: until(3) })
    expect((await w.shown(hook.id)).previous_secret_until).toBe(until(3))
    await patch(hook.id, { previous_secret_until: until(5) })
    w.plimsoll.clock.advance(4 * 86_400_000)
    expect(await signers(hook.id, secrets)).toEqual(['new', 'old'])
    // A week from when it was replaced, not from each time that this is said.
    expect((await patch(hook.id, { previous_secret_until: until(4) })).status).toBe(400)
    expect((await patch(hook.id, { previous_secret_until: until(3) })).status).toBe(200)
    await patch(hook.id, { previous_secret_until: null })
    expect(await signers(hook.id, secrets)).toEqual(['new'])
    await patch(hook.id, { secret: secrets.newest, previous_secret_until: null })
    expect(await signers(hook.id, secrets)).toEqual(['newest'])
  })

  test('is one of two at most: the last but one is over', async () => {
    const hook = await w.hook()
    const secrets = { old: hook.secret, new: secretOf('n'), newest: secretOf('m') }
    for (const secret of [secrets.new, secrets.newest]) await patch(hook.id, { secret })
    expect(await signers(hook.id, secrets)).toEqual(['newest', 'new'])
  })

  test('is not lost where two come at once: the one that counts is beside the other', async () => {
    const hook = await w.hook()
    const secrets = { old: hook.secret, new: secretOf('n'), newest: secretOf('m') }
    const both = await Promise.all([secrets.new, secrets.newest].map((secret) => patch(hook.id, { secret })))
    expect(both.map(({ status }) => status)).toEqual([200, 200])
    expect((await signers(hook.id, secrets)).toSorted()).toEqual(['new', 'newest'])
  })

  test('counts from the next try on, also of what is being sent', async () => {
    const hook = await w.hook({ types: ['server.status'] })
    const secrets = { old: hook.secret, new: secretOf('n') }
    w.receiver.says = async () => {
      if (w.receiver.arrivals.length === 1) await patch(hook.id, { secret: secrets.new, previous_secret_until: null })
      return new Response('ok')
    }
    await w.world.act(await running(), { 'os-stop': null })
    await w.plimsoll.settle()
    const [first, ...others] = w.receiver.arrivals
    expect(first!.headers.get('webhook-signature')).toBe(signatureOf(secrets.old, first!))
    expect(others.length).toBeGreaterThan(0)
    for (const each of others) expect(each.headers.get('webhook-signature')).toBe(signatureOf(secrets.new, each))
  })

  test('is not kept beside for longer than a week, nor where there is none', async () => {
    const hook = await w.hook()
    const secret = secretOf('n')
    for (const previous_secret_until of [until(8), until(-1), 'tomorrow', 7])
      expect((await patch(hook.id, { secret, previous_secret_until })).status).toBe(400)
    expect((await patch(hook.id, { previous_secret_until: until(1) })).body.error.message).toBe(
      'webhook.previous_secret_until: there is no secret before that is valid.',
    )
    expect((await patch(hook.id, { previous_secret_until: null })).status).toBe(200)
  })
})

describe('an address is refused', () => {
  test.each([
    ['http://hooks.test/', 'The endpoint must be an https URL.'],
    ['ftp://hooks.test/', 'The endpoint must be an https URL.'],
    ['https://user:word@hooks.test/', 'The endpoint must not carry credentials.'],
    ['not a url', 'The endpoint is not a URL.'],
    ...[
      'https://127.0.0.1/',
      'https://localhost./',
      'https://[::1]/',
      'https://[::ffff:169.254.169.254]/',
      'https://169.254.169.254/latest/meta-data',
      'https://10.0.0.1/',
      'https://0x7f000001/',
      'https://metadata.google.internal/',
    ].map((url) => [url, 'The endpoint is a private address; an operator can name it in PLIMSOLL_WEBHOOK_HOSTS.']),
  ])('%s', async (url, words) => {
    const answer = await w.demo.post(HOOKS, { webhook: { name: 'x', url } })
    expect([answer.status, answer.body.error.message]).toEqual([400, `webhook.url: ${words}`])
    const hook = await w.hook()
    expect((await w.demo.patch(`${HOOKS}/${hook.id}`, { webhook: { url } })).status).toBe(400)
  })

  test('and so is what is no secret or no type, without a word of the secret', async () => {
    for (const secret of [
      'whsec_',
      'whsec_short',
      `whsec_${btoa('x'.repeat(65))}`,
      btoa('x'.repeat(32)),
      7,
      'x'.repeat(99),
    ]) {
      const answer = await w.demo.post(HOOKS, { webhook: { name: 'x', url: 'https://hooks.test/', secret } })
      expect(answer.status).toBe(400)
      expect(JSON.stringify(answer.body)).not.toContain('xxxx')
    }
    const types = ['server.nothing']
    expect((await w.demo.post(HOOKS, { webhook: { name: 'x', url: 'https://hooks.test/', types } })).status).toBe(400)
  })
})
