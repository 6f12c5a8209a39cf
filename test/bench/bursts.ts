import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { driveBursts } from '../../functions/broker/burst/turn.ts'
import { convergeDue } from '../../functions/broker/converge/converge.ts'
import { cronContext } from '../../functions/cron.ts'
import { Table } from './table.ts'
import { logIn, openWorld, type World } from './world.ts'

/** https://developers.cloudflare.com/d1/platform/limits/ */
const D1 = { parameters: 100, text: 100_000, value: 2_000_000 }
/** So many statements of one batch are far within the 30 seconds that D1 gives one. */
const MOST_STATEMENTS = 1_000

const count = async (world: World, sql: string): Promise<number> =>
  (await world.d1.prepare(sql).first<number>('n')) ?? 0
const seconds = (from: number): number => (performance.now() - from) / 1_000

/** A burst of many members on the embedded cloud: what its admission asks of a database, and how fast it is there and gone. */
export const benchBursts = async (members: number): Promise<number> => {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const world = await openWorld(folder)
  const context = cronContext(world.host)
  const table = new Table()
  const id = await ask(world, members)

  const there = 'select count(*) as n from burst_members where ended_at is null'
  const begun = performance.now()
  let admitted = 0
  const trips = await world.counter.of(async () => {
    while ((await count(world, there)) < members) {
      await world.d1.prepare('update bursts set due_at = 0').run()
      await driveBursts(context, 60_000)
    }
    admitted = seconds(begun)
  })
  const { largest } = trips
  table.row(`${members} members admitted`, `${admitted.toFixed(1)} s`, '', trips)
  table.row('  batches that write', String(trips.writes), '')
  table.row('  statements', String(trips.statements), '')
  table.row('  statements of the largest batch', String(largest.statements), '')
  table.row('  parameters of a statement', String(largest.parameters), '')
  table.row('  text of a statement, bytes', String(largest.text), '')
  table.row('  value in a statement, bytes', String(largest.value), '')
  for (const limit of ['parameters', 'text', 'value'] as const)
    table.target(`${limit} of a statement <= ${D1[limit]}`, largest[limit] <= D1[limit], String(largest[limit]))
  const few = largest.statements <= MOST_STATEMENTS
  table.target(`statements of a batch <= ${MOST_STATEMENTS}`, few, String(largest.statements))

  const active = "select count(*) as n from servers where status = 'ACTIVE'"
  const failed = "select count(*) as n from servers where status = 'ERROR'"
  await until(world, context, async () => (await count(world, active)) + (await count(world, failed)) >= members)
  const converged = seconds(begun) - admitted
  table.row('  then ACTIVE', `${(members / converged).toFixed(0)} a second`, '')
  table.target('all are ACTIVE', (await count(world, active)) === members, `${await count(world, active)}`)

  const draining = performance.now()
  await world.send('DELETE', `/broker/v1/bursts/${id}`, await logIn(world))
  await until(world, context, async () => {
    await world.d1.prepare('update bursts set due_at = 0 where due_at is not null').run()
    await driveBursts(context, 60_000)
    return (await count(world, 'select count(*) as n from bursts where ended_at is not null')) === 1
  })
  table.row('  then drained', `${(members / seconds(draining)).toFixed(0)} a second`, '')
  table.target('none is left', (await count(world, there)) === 0, `${await count(world, there)}`)
  table.print()
  world.close()
  return table.failed()
}

/** Asks for it; what the request left behind is not done. */
const ask = async (world: World, members: number): Promise<string> => {
  const token = await logIn(world)
  // biome-ignore lint/suspicious/noExplicitAny: answers of our own API
  const call = async (method: string, path: string, body?: unknown): Promise<any> =>
    (await world.send(method, path, token, body)).json()
  await world.d1.prepare('update quotas set maximum = -1').run()
  for (const resource of ['instances', 'cores', 'ram', 'port'])
    await world.d1.prepare('insert or ignore into quotas select id, ?, -1, 0 from projects').bind(resource).run()
  const { network } = await call('POST', '/network/v2.0/networks', { network: { name: 'farm' } })
  const subnet = { network_id: network.id, cidr: '10.8.0.0/16', ip_version: 4 }
  await call('POST', '/network/v2.0/subnets', { subnet })
  const { images } = await call('GET', '/image/v2/images')
  await world.runDeferred()
  const wish = { name: 'farm', flavor: '1', image: images[0].id, networks: [network.id] }
  const user_data = Buffer.from('#!/bin/sh\n. /etc/plimsoll/burst.env\n').toString('base64')
  const { burst } = await call('POST', '/broker/v1/bursts', {
    ...wish,
    user_data,
    count: { min: members, max: members },
  })
  world.deferred.length = 0
  return burst.id
}

/** Works off what is due until it is so. */
const until = async (world: World, context: ReturnType<typeof cronContext>, so: () => Promise<boolean>) => {
  for (let round = 0; round < 5_000; round++) {
    if (await so()) return
    await convergeDue(context, 60_000)
    await world.runDeferred()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error('it does not come to rest')
}
