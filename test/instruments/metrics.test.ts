import { afterEach, expect, test, vi } from 'vitest'
import { runCron } from '../../functions/cron.ts'
import { FROM_ROWS } from '../../functions/instruments/metrics.ts'
import { BadSettings, settingsFrom } from '../../functions/runtime/host.ts'
import { createServer } from '../support/builders.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { runtime } from '../support/runtime.ts'

const token = 'a-token-of-thirty-two-characters'
const asked = { Authorization: `Bearer ${token}` }

afterEach(() => vi.restoreAllMocks())

/** Each value by its name and labels, as they stand in the text. */
const scraped = async (plimsoll: Plimsoll): Promise<Record<string, number>> => {
  const { status, headers, body } = await plimsoll.nobody.get('/metrics', asked)
  expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  const lines = (body as string).split('\n').filter((line) => line && !line.startsWith('#'))
  return Object.fromEntries(lines.map((line) => [line.replace(/ [^ ]+$/, ''), Number(line.split(' ').at(-1))]))
}

test('as long as nobody asks for it there is no such thing', async () => {
  const { nobody, as } = await startPlimsoll()
  for (const client of [nobody, as('admin'), nobody.from('127.0.0.1')]) {
    const answer = await client.get('/metrics', asked)
    const elsewhere = await client.get('/no-such-thing', asked)
    expect([answer.status, answer.body]).toEqual([
      404,
      { error: { ...elsewhere.body.error, message: 'There is no service at /metrics.' } },
    ])
  }
})

test('whoever has the token reads, and nobody else', async () => {
  const { nobody, as } = await startPlimsoll({ settings: { metrics: { token } } })
  const wrong: Record<string, string>[] = [
    {},
    { Authorization: `Bearer ${token}x` },
    { Authorization: `Basic ${token}` },
    { Authorization: 'Bearer ' },
  ]
  for (const headers of wrong) {
    const answer = await nobody.get('/metrics', headers)
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="plimsoll"'])
    expect(JSON.stringify(answer.body)).not.toContain(token)
  }
  expect((await as('admin').get('/metrics')).status).toBe(401)
  const { status, headers, body } = await nobody.get('/metrics', asked)
  expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
  expect(body).toContain('# TYPE plimsoll_info gauge')
})

test('or whoever is on the machine, as long as nothing stands in between', async () => {
  const { nobody } = await startPlimsoll({ settings: { metrics: 'loopback' } })
  for (const address of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])
    expect((await nobody.from(address).get('/metrics')).status).toBe(200)
  for (const address of ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1', '127.0.0.1.example.org'])
    expect((await nobody.from(address).get('/metrics')).status).toBe(404)
  for (const header of ['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Real-IP', 'CF-Connecting-IP', 'Via'])
    expect((await nobody.from('127.0.0.1').get('/metrics', { [header]: '127.0.0.1' })).status).toBe(404)
})

test('by a name that is served, as often as anybody', async () => {
  const { nobody } = await startPlimsoll({
    settings: { metrics: 'loopback', allowedHosts: ['plimsoll.test'], requestsPerSource: 2 },
  })
  const here = nobody.from('127.0.0.1')
  expect((await here.get('http://evil.example/metrics')).status).toBe(400)
  expect((await here.get('/metrics')).status).toBe(200)
  expect((await here.get('/metrics')).status).toBe(429)
})

test('all that is told is in the table, with the help and the labels that it says', async () => {
  const plimsoll = await startPlimsoll({ settings: { metrics: { token } } })
  const { body } = await plimsoll.nobody.get('/metrics', asked)
  const told = [...(body as string).matchAll(/^# HELP (\w+) (.*)$/gm)].map(([, name, help]) => [name, help])
  expect(told).toEqual(Object.entries(FROM_ROWS).map(([name, { help }]) => [name, help]))
  for (const line of Object.keys(await scraped(plimsoll))) {
    const [name = '', labels = ''] = line.split('{')
    const said = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label)
    expect([name, said]).toEqual([name, [...FROM_ROWS[name as keyof typeof FROM_ROWS].labels]])
  }
})

test('rows tell how it stands: what is held and may be, what is due, and that a cloud does not answer', async () => {
  const clouds = [
    {
      name: 'home',
      type: 'sandbox',
      options: { mark: 0.8, faults: [{ method: 'server.create', fault: 'ambiguous_before', after: 1 }] },
    },
  ]
  const plimsoll = await startPlimsoll({ clouds, settings: { metrics: { token } } })
  const demo = plimsoll.as('demo')
  const before = await scraped(plimsoll)
  expect(before.plimsoll_healthy).toBe(1)
  expect(before['plimsoll_cloud_enabled{cloud="home",type="sandbox"}']).toBe(1)
  expect(before['plimsoll_cloud_breaker_open{cloud="home"}']).toBe(0)
  expect(before['plimsoll_cloud_mark_ratio{cloud="home"}']).toBe(0.8)
  expect(before['plimsoll_cloud_taken_vcpus{cloud="home"}']).toBe(0)
  expect(before['plimsoll_due_items{queue="converge"}']).toBe(0)
  await createServer(plimsoll, demo, { flavorRef: '2' })
  // What was on its way counts twice until the cloud is asked for its room again.
  plimsoll.clock.advance(700_000)
  await runCron(plimsoll.host)
  await plimsoll.runDeferred()
  const held = await scraped(plimsoll)
  const [{ taken, room, load }] = (await plimsoll.as('admin').get('/broker/v1/loads')).body.loads
  expect(taken).toEqual({ vcpus: 2, ram_mib: 4096 })
  expect(held['plimsoll_cloud_taken_vcpus{cloud="home"}']).toBe(taken.vcpus)
  expect(held['plimsoll_cloud_taken_memory_bytes{cloud="home"}']).toBe(taken.ram_mib * 2 ** 20)
  expect(held['plimsoll_cloud_room_memory_bytes{cloud="home"}']).toBe(room.ram_mib * 2 ** 20)
  expect(held['plimsoll_cloud_load_ratio{cloud="home"}']).toBeCloseTo(load, 2)
  expect(held['plimsoll_loop_overdue_seconds{loop="converge"}']).toBeLessThan(60)

  await expect(createServer(plimsoll, demo, { name: 'lost' })).rejects.toThrow('not settled')
  plimsoll.clock.advance(400_000)
  const late = await scraped(plimsoll)
  expect(late['plimsoll_due_items{queue="converge"}']).toBe(1)
  expect(late['plimsoll_due_oldest_age_seconds{queue="converge"}']).toBeGreaterThan(60)
  expect(late['plimsoll_bindings_under_way{phase="calling"}']).toBe(1)
  expect(late['plimsoll_loop_overdue_seconds{loop="converge"}']).toBeGreaterThan(300)

  const admin = plimsoll.as('admin')
  const options = { faults: [{ method: '*', fault: 'ambiguous_before' }] }
  await admin.post('/broker/v1/clouds', { cloud: { name: 'silent', type: 'sandbox', options } })
  for (let i = 0; i < 5; i++) await admin.post('/broker/v1/clouds/silent/check')
  const broken = await scraped(plimsoll)
  expect(broken['plimsoll_cloud_breaker_open{cloud="silent"}']).toBe(1)
  expect(broken['plimsoll_cloud_failures{cloud="silent"}']).toBe(5)
  expect(broken['plimsoll_cloud_breaker_open{cloud="home"}']).toBe(0)
})

test('what cannot be read is said, without its words, and is no figure', async () => {
  const plimsoll = await startPlimsoll({
    settings: { metrics: { token } },
    counted: () => Promise.reject(new Error('secret words')),
  })
  const { status, body } = await plimsoll.nobody.get('/metrics', asked)
  expect([status, body.error.message]).toEqual([503, 'It could not be read how it stands.'])
  expect(plimsoll.logged.at(-1)).toMatchObject({ level: 'error', message: 'how it stands could not be read' })
})

test('several who scrape at once are told one after the other', async () => {
  const plimsoll = await startPlimsoll({ settings: { metrics: { token } } })
  plimsoll.host.sleep = () => new Promise((resolve) => setTimeout(resolve, 1))
  const answers = await Promise.all([1, 2, 3].map(() => plimsoll.nobody.get('/metrics', asked)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
})

test('what a process has counted stands behind what rows tell', async () => {
  const counted = async () => '# TYPE other counter\nother 1\n'
  const plimsoll = await startPlimsoll({ settings: { metrics: { token } }, counted })
  expect(await scraped(plimsoll)).toMatchObject({ other: 1, plimsoll_healthy: 1 })
})

test('settings that would let anybody read are refused', () => {
  const read =
    (env: Record<string, string>, on: 'node' | 'workers' = 'node') =>
    () =>
      settingsFrom(env, on, 'a'.repeat(64)).metrics
  expect(read({})()).toBe('off')
  expect(read({ PLIMSOLL_METRICS: 'loopback' })()).toBe('loopback')
  expect(read({ PLIMSOLL_METRICS: 'token', PLIMSOLL_METRICS_TOKEN: token }, 'workers')()).toEqual({ token })
  expect(read({ PLIMSOLL_METRICS: 'on' })).toThrow(BadSettings)
  expect(read({ PLIMSOLL_METRICS: 'token' })).toThrow('PLIMSOLL_METRICS_TOKEN')
  expect(read({ PLIMSOLL_METRICS: 'token', PLIMSOLL_METRICS_TOKEN: 'short' })).toThrow('24')
  expect(read({ PLIMSOLL_METRICS: 'loopback' }, 'workers')).toThrow('token')
  const loopback = { PLIMSOLL_METRICS: 'loopback' }
  expect(read({ ...loopback, PLIMSOLL_PUBLIC_URL: 'https://cloud.test' })).toThrow('`token`')
  expect(read({ ...loopback, PLIMSOLL_TRUSTED_PROXIES: '10.0.0.0/8' })).toThrow('`token`')
})

test.runIf(runtime === 'node')('the size of the database is told', async () => {
  const plimsoll = await startPlimsoll({ settings: { metrics: { token } } })
  expect((await scraped(plimsoll)).plimsoll_database_size_bytes).toBeGreaterThan(100_000)
})
