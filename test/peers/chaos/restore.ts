import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { quotaDrift, reading } from './books.ts'
import { census, type Found, tally } from './census.ts'
import { CLOUD } from './ground.ts'
import type { Stage } from './index.ts'

const MINUTE = 60_000
/** Calls by which something would come or go. */
const CHANGES = /^(Run|Create|Allocate|Import|Terminate|Delete|Release|Detach|Deregister|Disassociate|Stop)(?!Tags)/

interface Orphan {
  id: string
  kind: string
  native_id: string
  in_lapse: boolean
}

/**
 * The database is put back as it was an hour ago. What was made since is on the cloud with our mark and in no row: it
 * must stay, be reported, and become a resource again where that is possible. What was deleted since stays deleted.
 */
export const restore = async (stage: Stage): Promise<void> => {
  const { broker, proxy, cloud, admin, check } = stage
  // What the storm refused is left alone for minutes, unless an operator knows that there is room again.
  await admin.must('DELETE', `/broker/v1/clouds/${CLOUD}/refused-offers`)
  const copy = join(broker.folder, 'backup.db')
  write(broker.file, (db) => db.exec(`vacuum into '${copy}'`))
  const before = await census(cloud)
  const gone = await anHour(stage)
  const there = await census(cloud)
  const made = there.filter(({ native }) => !before.some((each) => each.native === native))
  await check('an hour passes that the backup knows nothing of', gone, `made ${tally(made)}`)

  await broker.kill()
  write(copy, (db) => {
    db.exec(`update settings set value = value - 60 where key = 'heartbeat'`)
    // An old cloud, so that it is not the first day that spares its orphans.
    db.exec(`update clouds set created_at = created_at - ${2 * 24 * 60 * MINUTE}`)
  })
  await broker.replaceFile(copy)
  const calls = proxy.log.length
  await broker.start()
  const sweep = () => admin.must('POST', '/broker/v1/reconcile')
  const strangers = made.filter(isMain)
  // A sweep that somebody waits for ends after 25 seconds, wherever it is.
  await sweepUntil(sweep, () => strangers.every(({ native }) => sightings(broker.file).get(native)! >= 2))
  // As if they had been seen for long.
  write(broker.file, (db) => db.exec(`update orphans set first_seen_at = first_seen_at - ${11 * MINUTE}`))
  const seen = sightings(broker.file)
  await sweepUntil(sweep, () =>
    [...sightings(broker.file)].every(
      ([native, sweeps]) => sweeps === Number.POSITIVE_INFINITY || sweeps > (seen.get(native) ?? 0),
    ),
  )

  const after = await census(cloud)
  const left = new Set(after.map(({ native }) => native))
  await check(
    'after the restore nothing is deleted',
    there.filter(({ native }) => !left.has(native)).map(({ type, native }) => `${type} ${native}`),
    `${there.length} objects before and after`,
  )
  const changes = proxy.log.slice(calls).filter(({ action }) => CHANGES.test(action))
  await check(
    'and nothing is made anew',
    changes.map(({ action }) => action),
  )
  const { orphans } = (await admin.must('GET', '/broker/v1/orphans')) as { orphans: Orphan[] }
  const owned = bound(broker.file)
  const reported = new Set(orphans.map(({ native_id }) => native_id))
  const adopted = strangers.filter(({ native }) => owned.has(native)).length
  await check(
    'what the backup does not know is reported or adopted again',
    [
      ...strangers.filter(({ native }) => !owned.has(native) && !reported.has(native)).map(({ native }) => native),
      ...orphans
        .filter((each) => !each.in_lapse)
        .map(({ kind, native_id }) => `${kind} ${native_id} is not in a lapse`),
    ],
    `${adopted} of ${strangers.length} adopted, ${orphans.length} reported`,
  )
  await check('the restored database goes on', goesOn(stage))
  await check('quota drift after the restore: 0', reading(broker.file, quotaDrift))
  if (orphans.length)
    await check('it was the lapse that spared them; a person may remove the rest', clear(stage, sweep))
}

/** How often a complete listing has shown each orphan; what is adopted again has been seen enough. */
const sightings = (file: string): Map<string, number> =>
  reading(file, (db) => {
    const orphans = db.prepare('select native_id, sweeps from orphans').all()
    const adopted = [...bound(file)].map((native): [string, number] => [native, Number.POSITIVE_INFINITY])
    return new Map([...adopted, ...orphans.map((o): [string, number] => [String(o.native_id), Number(o.sweeps)])])
  })

const bound = (file: string): Set<string> =>
  reading(file, (db) => {
    const bindings = db.prepare(`select native_id from bindings where phase = 'bound' and native_id is not null`).all()
    return new Set(bindings.map(({ native_id }) => String(native_id)))
  })

const sweepUntil = async (sweep: () => Promise<unknown>, done: () => boolean): Promise<void> => {
  for (const until = Date.now() + 2 * MINUTE; Date.now() < until; ) {
    await sweep()
    if (done()) return
  }
}

/** Something is made and something is deleted. Gives what went wrong. */
const anHour = async ({ demo, ground, broker }: Stage): Promise<string[]> => {
  const [known] = reading(broker.file, (db) =>
    db.prepare(`select id from servers where deleted_at is null and status = 'ACTIVE' limit 1`).all(),
  )
  const made = [await server(demo, ground, 'hour-1'), await server(demo, ground, 'hour-2')]
  const volumes = `/volume/v3/${ground.project}/volumes`
  const size = { size: 1, availability_zone: ground.zone }
  const { volume } = await demo.must('POST', volumes, { volume: { name: 'hour', ...size } })
  const faults = (await Promise.all(made.map((id) => active(demo, id)))).flat()
  if (faults.length) return faults
  const done = await demo.until(`${volumes}/${volume.id}`, ({ body }) => body.volume?.status === 'available', MINUTE)
  if (!done) faults.push('the volume does not become available')
  const { ports } = await demo.must('GET', `/network/v2.0/ports?device_id=${made[0]}`)
  const wish = { floating_network_id: ground.external, port_id: ports[0].id }
  await demo.must('POST', '/network/v2.0/floatingips', { floatingip: wish })
  if (!known) return [...faults, 'there is no server left to delete']
  const path = `/compute/v2.1/servers/${known.id}`
  await demo.must('DELETE', path)
  if (!(await demo.until(path, ({ status }) => status === 404, MINUTE))) faults.push('the server does not go')
  return faults
}

const server = async (
  demo: Stage['demo'],
  { image, zone, network }: Stage['ground'],
  name: string,
): Promise<string> => {
  const wish = { name, flavorRef: '2', imageRef: image, availability_zone: zone, networks: [{ uuid: network }] }
  return (await demo.must('POST', '/compute/v2.1/servers', { server: wish })).server.id
}

const active = async (demo: Stage['demo'], id: string): Promise<string[]> => {
  const path = `/compute/v2.1/servers/${id}`
  const done = await demo.until(path, ({ body }) => ['ACTIVE', 'ERROR'].includes(body.server?.status), MINUTE)
  const { status, fault } = done?.body.server ?? { status: 'not there after a minute' }
  return status === 'ACTIVE' ? [] : [`server ${id} is ${status} ${JSON.stringify(fault ?? '')}`]
}

/** Addresses that the backup takes for free are taken on the cloud. */
const goesOn = async ({ demo, ground }: Stage): Promise<string[]> => active(demo, await server(demo, ground, 'after'))

/** Without the lapse they are garbage like any other; what then stays is removed by hand. */
const clear = async ({ broker, admin }: Stage, sweep: () => Promise<unknown>): Promise<string[]> => {
  const list = async () => ((await admin.must('GET', '/broker/v1/orphans')) as { orphans: Orphan[] }).orphans
  const many = (await list()).length
  write(broker.file, (db) => db.exec('delete from lapses'))
  await sweep()
  const rest = await list()
  if (rest.length >= many) return [`${rest.length} of ${many} orphans stay although they are not in a lapse any more`]
  for (const until = Date.now() + MINUTE; ; await pause(1_000)) {
    const orphans = await list()
    if (!orphans.length) return []
    if (Date.now() > until) return orphans.map(({ kind, native_id }) => `${kind} ${native_id} cannot be removed`)
    for (const { id } of orphans) await admin.call('POST', `/broker/v1/orphans/${id}/delete`)
  }
}

/** An instance's own disk and a router's table are no resources of their own. */
const isMain = ({ type, kind }: Found): boolean => !(type === 'volume' && kind === 'server') && type !== 'route table'

const write = (file: string, change: (db: DatabaseSync) => void): void => {
  const db = new DatabaseSync(file, { timeout: 10_000 })
  try {
    change(db)
  } finally {
    db.close()
  }
}
