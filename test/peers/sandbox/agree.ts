import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Entity } from '../../../adapters/sandbox/records/entities.ts'
import type { Report } from '../support/report.ts'

/** Pauses between looks, in milliseconds. */
const PAUSE_MS = 15_000
/** What is being made or taken away is known to one side first: so many looks in a row it may be. */
const LOOKS = 4

interface Bound {
  kind: string
  native_id: string
  phase: string
}

/**
 * Where the embedded cloud of a broker on Node and its rows are of two minds at this moment, a sentence each: an object with a
 * mark that no binding names, and a binding that is ready of which the cloud has no object. Both databases are read as they lie
 * in its folder, so that nothing is asked of the broker.
 */
export const disagreements = (folder: string): string[] => {
  const [cloud, rows] = ['cloud-state.db', 'plimsoll.db'].map(
    (name) => new DatabaseSync(join(folder, name), { readOnly: true }),
  ) as [DatabaseSync, DatabaseSync]
  try {
    const bound = rows
      .prepare("select kind, native_id, phase from bindings where native_id is not null and phase <> 'gone'")
      .all() as unknown as Bound[]
    const known = new Set(bound.map(({ kind, native_id }) => `${kind} ${native_id}`))
    const objects = cloud.prepare("select value from cloud_state where key like '%/objects/%'").all()
    const there = objects
      .map(({ value }) => JSON.parse(String(value)) as Entity)
      .filter(({ goneAt }) => goneAt === null || goneAt > Date.now())
    const seen = new Set(there.map(({ kind, id }) => `${kind} ${id}`))
    return [
      ...there
        .filter(({ kind, id, mark }) => mark !== null && !known.has(`${kind} ${id}`))
        .map(({ kind, id }) => `${kind} ${id} is on the cloud alone`),
      // Holds on a volume or a port have no record of their own.
      ...bound
        .filter(
          ({ kind, phase, native_id }) => phase === 'ready' && KEPT.has(kind) && !seen.has(`${kind} ${native_id}`),
        )
        .map(({ kind, native_id }) => `${kind} ${native_id} is in the rows alone`),
    ]
  } finally {
    cloud.close()
    rows.close()
  }
}

const KEPT = new Set<string>([
  'network',
  'subnet',
  'router',
  'security_group',
  'port',
  'keypair',
  'floating_ip',
  'volume',
  'snapshot',
  'server_group',
  'server',
] satisfies Entity['kind'][])

/** Ends the looking, and reports what both were of two minds about for longer than it takes to make or remove a thing. */
type Ended = (report: Report, story: string) => void

/** Looks again and again while something goes on: between tests, and between what is made and what is removed. */
export const watchAgreement = (look: () => string[]): Ended => {
  const began = Date.now()
  const rounds = new Map<string, number>()
  const lasting = new Set<string>()
  let looks = 0
  const timer = setInterval(() => {
    const now = new Set(look())
    looks += 1
    for (const each of rounds.keys()) if (!now.has(each)) rounds.delete(each)
    for (const each of now) {
      const round = (rounds.get(each) ?? 0) + 1
      rounds.set(each, round)
      if (round === LOOKS) lasting.add(each)
    }
  }, PAUSE_MS)
  return (report, story) => {
    clearInterval(timer)
    const title = `the cloud held what the rows said, in ${looks} looks`
    const result = looks === 0 ? 'skipped' : lasting.size ? 'failed' : 'passed'
    report.step(story, title, result, Date.now() - began, [...lasting].join(', '))
  }
}
