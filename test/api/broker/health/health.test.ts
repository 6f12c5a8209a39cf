import { expect, test } from 'vitest'
import { standingOf } from '../../../../functions/broker/clouds/standing.ts'
import { runCron } from '../../../../functions/cron.ts'
import { imageNamed } from '../../../support/builders.ts'
import { startPlimsoll } from '../../../support/harness.ts'

const HEALTH = '/broker/v1/health'

test('an administrator is told how the house stands; nobody else is', async () => {
  const plimsoll = await startPlimsoll()
  await runCron(plimsoll.host)
  const { status, body } = await plimsoll.as('admin').get(HEALTH)
  expect(status).toBe(200)
  expect(body.health).toMatchObject({
    status: 'ok',
    troubles: [],
    database: { writable: true, reason: null },
    clock: { behind_seconds: 0 },
    secret_keys: 1,
    clouds: [
      { cloud: 'sandbox', type: 'sandbox', status: 'available', failures: 0, credentials: 'none', failed_bindings: 0 },
    ],
  })
  expect(body.health.clouds[0].sweeps.units).toBeGreaterThan(5)
  expect(body.health.due.map(({ queue, count }: { queue: string; count: number }) => [queue, count])).toEqual([
    ['converge', 0],
    ['webhooks', 0],
    ['imports', 0],
  ])
  expect(body.health.loops.map(({ loop }: { loop: string }) => loop)).toContain('reconcile')
  expect((await plimsoll.as('demo').get(HEALTH)).status).toBe(403)
  expect((await plimsoll.nobody.get(HEALTH)).status).toBe(401)
})

test('at three in the morning it says what is wrong, in sentences', async () => {
  const faults = [{ method: '*.create', fault: 'ambiguous_before' }]
  const plimsoll = await startPlimsoll({ clouds: [{ name: 'home', type: 'sandbox', options: { faults } }] })
  const admin = plimsoll.as('admin')
  const cloud = {
    name: 'sealed',
    type: 'aws',
    region: 'us-east-1',
    credentials: { access_key_id: 'AKIA', secret_access_key: 's' },
  }
  expect((await admin.post('/broker/v1/clouds', { cloud })).status).toBe(201)
  const demo = plimsoll.as('demo')
  const server = { name: 's', flavorRef: '1', imageRef: await imageNamed(demo), networks: 'none' }
  await demo.with({ 'OpenStack-API-Version': 'compute 2.96' }).post('/compute/v2.1/servers', { server })
  await expect(plimsoll.settle({ rounds: 20 })).rejects.toThrow('not settled')
  const silent = { name: 'silent', type: 'sandbox', options: { faults: [{ method: '*', fault: 'ambiguous_before' }] } }
  expect((await admin.post('/broker/v1/clouds', { cloud: silent })).status).toBe(201)
  for (let i = 0; i < 5; i++) await admin.post('/broker/v1/clouds/silent/check')
  const broken = (await admin.get(HEALTH)).body.health
  expect(broken.status).toBe('troubled')
  expect(broken.troubles.join('\n')).toMatch(/Cloud silent does not answer and is left alone until 2026-.*Z: /)
  const of = (name: string) => broken.clouds.find(({ cloud }: { cloud: string }) => cloud === name)
  expect(of('silent')).toMatchObject({ status: 'unreachable', failures: 5, credentials: 'none', sweeps: null })
  expect(of('sealed').credentials).toBe('sealed')
  expect(broken.under_way).toEqual({ calling: 1 })
  plimsoll.clock.advance(3_600_000)
  const late = (await admin.get(HEALTH)).body.health
  expect(late.troubles.join('\n')).toMatch(/Something to be done on a cloud has been due for \d+ min\./)
  expect(late.troubles.join('\n')).toMatch(/The loop converge has not had its turn for \d+ min/)
  expect(late.due[0].oldest_seconds).toBeGreaterThan(300)

  plimsoll.clock.advance(-7_200_000)
  const back = (await admin.get(HEALTH)).body.health
  expect(back.troubles.join('\n')).toMatch(/This clock is \d+ min behind/)
})

test('credentials that no key opens, or only an older one, are told of before anybody needs them', async () => {
  const plimsoll = await startPlimsoll()
  const admin = plimsoll.as('admin')
  const cloud = {
    name: 'sealed',
    type: 'aws',
    region: 'us-east-1',
    credentials: { access_key_id: 'AKIA', secret_access_key: 's' },
  }
  expect((await admin.post('/broker/v1/clouds', { cloud })).status).toBe(201)
  const older = plimsoll.host.settings.secretKeys
  plimsoll.host.settings.secretKeys = [new Uint8Array(32).fill(7), ...older]
  expect([...(await standingOf(plimsoll.context())).sealed.values()]).toEqual(['none', 'sealed-with-older-key'])
  plimsoll.host.settings.secretKeys = [new Uint8Array(32).fill(7)]
  const lost = await standingOf(plimsoll.context())
  expect([...lost.sealed.values()]).toEqual(['none', 'lost'])
  expect(lost.troubles).toContain('The credentials of cloud sealed open with no key of PLIMSOLL_SECRET_KEY.')
})

test('a database that takes nothing any more is the first that is said', async () => {
  const plimsoll = await startPlimsoll()
  const { db } = plimsoll.host
  const insert = db.insert.bind(db)
  db.insert = ((table: never) => {
    const name = Object.getOwnPropertySymbols(table).map((symbol) => (table as Record<symbol, unknown>)[symbol])
    if (name.includes('settings')) throw new Error('SQLITE_FULL: database or disk is full')
    return insert(table)
  }) as never
  const { body } = await plimsoll.as('admin').get(HEALTH)
  expect(body.health.database).toMatchObject({ writable: false })
  expect(body.health.status).toBe('troubled')
  expect(body.health.troubles[0]).toBe(body.health.database.reason)
})
