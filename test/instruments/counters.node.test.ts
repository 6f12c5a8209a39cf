import { expect, test } from 'vitest'
import { CloudError } from '../../adapters/errors.ts'
import { openSqlite } from '../../db/sqlite.ts'
import { Refused } from '../../functions/broker/line/refused.ts'
import { COUNTED } from '../../functions/instruments/counted.ts'
import { openCounters } from '../../functions/instruments/counters.ts'
import { createServer } from '../support/builders.ts'
import { startPlimsoll } from '../support/harness.ts'

const open = () => {
  const counters = openCounters(() => ({ running: 2, waiting: 5 }))
  const read = async (): Promise<Record<string, number>> => {
    const lines = (await counters.text()).split('\n').filter((line) => line && !line.startsWith('#'))
    return Object.fromEntries(lines.map((line) => [line.replace(/ [^ ]+$/, ''), Number(line.split(' ').at(-1))]))
  }
  return { counters, read }
}

test('requests are counted by their operation and status, whatever their path says', async () => {
  const { counters, read } = open()
  const { as, nobody } = await startPlimsoll({ instruments: counters.instruments })
  const demo = as('demo')
  for (const id of ['a', 'b', 'c"} 1\nfake 2']) await demo.get(`/compute/v2.1/servers/${encodeURIComponent(id)}`)
  await demo.get('/compute/v2.1/servers')
  await nobody.get('/compute/v2.1/servers')
  await nobody.get('/nowhere')
  const counts = await read()
  const of = (labels: string) => counts[`plimsoll_http_requests_total{${labels}}`]
  expect(of('service="compute",operation="server.show",status="404"')).toBe(3)
  expect(of('service="compute",operation="server.list",status="200"')).toBe(1)
  expect(of('service="compute",operation="server.list",status="401"')).toBe(1)
  expect(of('service="none",operation="none",status="404"')).toBe(1)
  expect(counts['plimsoll_http_request_duration_seconds_count{service="compute",operation="server.show"}']).toBe(3)
  expect(Object.keys(counts).filter((name) => name.includes('fake'))).toEqual([])
})

test('a server that is made over an unclear answer shows in calls and steps', async () => {
  const { counters, read } = open()
  const faults = [{ method: 'server.create', fault: 'lost_answer', count: 1 }]
  const plimsoll = await startPlimsoll({
    clouds: [{ name: 'home', type: 'sandbox', options: { faults } }],
    instruments: counters.instruments,
  })
  await createServer(plimsoll, plimsoll.as('demo'))
  const counts = await read()
  expect(counts['plimsoll_cloud_calls_total{cloud="home",method="server.create",code="ambiguous"}']).toBe(1)
  expect(counts['plimsoll_cloud_calls_total{cloud="home",method="server.find",code="ok"}']).toBeGreaterThan(0)
  expect(counts['plimsoll_cloud_call_duration_seconds_count{cloud="home",method="server.create"}']).toBe(1)
  expect(counts['plimsoll_converge_steps_total{kind="server",phase="calling",outcome="ambiguous"}']).toBe(1)
  expect(counts['plimsoll_converge_steps_total{kind="server",phase="intent",outcome="ok"}']).toBe(1)
  expect(counts['plimsoll_loop_turns_total{loop="converge",outcome="ok"}']).toBeGreaterThan(0)
  expect(counts['plimsoll_deferred_work{state="waiting"}']).toBe(5)
})

test('an error is counted by its kind and given on as it is', async () => {
  const { counters, read } = open()
  const call = { cloud: { id: '1', name: 'home', type: 'sandbox' }, method: 'zones' }
  const step = { kind: 'server', resourceId: '', cloudId: '', projectId: '', want: 'present', phase: 'bound' } as const
  const failing = (error: unknown) => async () => Promise.reject(error)
  const full = new CloudError('capacity', 'full')
  await expect(counters.instruments.call(call, failing(full))).rejects.toBe(full)
  await expect(counters.instruments.call(call, failing(new Error('x')))).rejects.toThrow('x')
  const lost = new Refused({ kind: 'guard', what: 'fence' })
  await expect(counters.instruments.step(step, failing(lost))).rejects.toBe(lost)
  await expect(counters.instruments.step(step, failing(new Error('y')))).rejects.toThrow('y')
  await expect(counters.instruments.loop('money', failing(undefined))).rejects.toBe(undefined)
  expect(await read()).toMatchObject({
    'plimsoll_cloud_calls_total{cloud="home",method="zones",code="capacity"}': 1,
    'plimsoll_cloud_calls_total{cloud="home",method="zones",code="ambiguous"}': 1,
    'plimsoll_converge_steps_total{kind="server",phase="bound",outcome="refused"}': 1,
    'plimsoll_converge_steps_total{kind="server",phase="bound",outcome="error"}': 1,
    'plimsoll_loop_turns_total{loop="money",outcome="failed"}': 1,
  })
})

test('statements are timed by their sort, those of a batch as one', async () => {
  const { counters, read } = open()
  const d1 = openSqlite(':memory:')
  d1.onStatement(counters.statement)
  await d1.prepare('create table t (a)').run()
  await d1.prepare('select * from t').all()
  await d1.prepare('select * from t').first()
  const insert = d1.prepare('insert into t values (?)')
  await d1.batch([insert.bind(1), insert.bind(2), d1.prepare('select * from t')])
  const counts = await read()
  const of = (what: string) => counts[`plimsoll_database_statement_duration_seconds_count{what="${what}"}`]
  expect([of('read'), of('write'), of('batch')]).toEqual([2, 1, 1])
  d1.close()
})

test('the process itself is told of, and every metric of the table is there with its help', async () => {
  const { counters } = open()
  const text = await counters.text()
  for (const [name, { help, type }] of Object.entries(COUNTED)) {
    expect(text).toContain(`# HELP ${name} ${help}\n`)
    expect(text).toContain(`# TYPE ${name} ${type}\n`)
  }
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds'])
    expect(text).toMatch(new RegExp(`^${name} `, 'm'))
})
