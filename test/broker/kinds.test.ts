import type { D1Database } from '@cloudflare/workers-types'
import { getTableColumns, getTableName } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { type Cloud, KINDS, type Kind, OBJECT_KINDS } from '../../adapters/contract.ts'
import { openDatabase } from '../../db/client.ts'
import { KINDS_BY_RANK, type KindFacts, kindFacts } from '../../db/kinds.ts'
import { forgetRows } from '../../db/queries/line/release.ts'
import { adopters } from '../../functions/broker/adopt/adopters.ts'
import { ADOPTABLE, ADOPTED_IN_TURN } from '../../functions/broker/adopt/listing.ts'
import { kinds } from '../../functions/broker/kinds/index.ts'
import { defaultMaximum } from '../../functions/broker/line/quota.ts'
import type { Steps } from '../../functions/broker/line/steps.ts'
import { CASES } from '../adapters/cases.ts'
import { sandboxWorld } from '../adapters/sandbox/world.ts'

/** Kinds whose readings are proved by the stories of adoption (test/api/broker/adopt*.test.ts), and by no case of the suite. */
const READ_BY_STORIES: Kind[] = ['router', 'floating_ip', 'image']

/** A cloud of which only the names of its realms matter. */
const realmNames = new Proxy({}, { get: (_, name) => name }) as Cloud

const removal = (): string => {
  const db = openDatabase({ prepare: () => ({}) } as unknown as D1Database)
  const writes = forgetRows(db, ['an id'], 0) as unknown as { toSQL?(): { sql: string }; getQuery(): { sql: string } }[]
  return writes.map((write) => (write.toSQL ? write.toSQL() : write.getQuery()).sql).join('\n')
}

/** Everything that a kind needs and does not have, a line each. */
const forgotten = (kind: Kind): string[] => {
  const facts = (kindFacts as Record<string, KindFacts | undefined>)[kind]
  const steps: Steps | undefined = kinds[kind]
  const has = (id: string) => CASES.some((each) => each.id === `${kind}.${id}`)
  const missing: [boolean, string][] = [
    [!KINDS.includes(kind), 'its name in KINDS (adapters/objects.ts)'],
    [!sandboxWorld().cloud[kind], 'a realm of the embedded cloud (adapters/sandbox/index.ts)'],
    [!steps, 'steps (functions/broker/kinds/index.ts)'],
    [steps !== undefined && (steps.kind as string) !== kind, `steps of its own: its steps say ${steps?.kind}`],
    [steps !== undefined && String(steps.realm(realmNames)) !== kind, 'steps that use its own realm'],
    [!facts, 'a row in the table of kinds (db/kinds.ts)'],
    [!has('life') || !has('twice'), 'the cases `life` and `twice` (test/adapters/cases.ts)'],
    [OBJECT_KINDS.some((each) => each === kind) && !has('foreign'), 'the case `foreign` (test/adapters/cases.ts)'],
  ]
  if (facts) missing.push(...forgottenOf(kind, facts, has))
  return missing.flatMap(([is, what]) => (is ? [what] : []))
}

const forgottenOf = (kind: Kind, facts: KindFacts, has: (id: string) => boolean): [boolean, string][] => {
  const { adopted, table, tombstoned, owner, quota } = facts
  const turn = adopted !== null && adopted !== 'by mark'
  const removed = removal()
  const name = getTableName(table)
  const said = tombstoned ? `update "${name}" set` : `delete from "${name}" where`
  return [
    [
      adopted !== null && !(adopters as Record<string, unknown>)[kind],
      'an adopter (functions/broker/adopt/adopters.ts)',
    ],
    [adopted === null && kind in adopters, 'a place in adoption (db/kinds.ts): it has an adopter'],
    [turn && !(ADOPTABLE as string[]).includes(kind), 'a place among what is adopted'],
    [turn && !(ADOPTED_IN_TURN as string[]).includes(kind), 'a turn in which it is adopted'],
    [
      turn && !READ_BY_STORIES.includes(kind) && !(has('read') && has('mark')),
      'the cases `read` and `mark` (test/adapters/cases.ts)',
    ],
    [
      Boolean(tombstoned) !== 'deletedAt' in getTableColumns(table),
      `agreement of ${name}.deleted_at with \`tombstoned\``,
    ],
    [
      owner === undefined && !removed.includes(said),
      `removal of its rows when it is handed back (forgetRows: ${said})`,
    ],
    ...Object.keys(quota).map((word): [boolean, string] => [
      !(word in defaultMaximum),
      `a default limit of ${word} (functions/broker/line/quota.ts)`,
    ]),
  ]
}

describe('a kind', () => {
  it.each(KINDS)('%s has everything that a kind needs', (kind) => {
    expect(forgotten(kind).map((what) => `${kind} has not: ${what}`)).toEqual([])
  })

  it('that is a name alone is told what it needs', () => {
    expect(forgotten('backup' as Kind)).toEqual([
      'its name in KINDS (adapters/objects.ts)',
      'a realm of the embedded cloud (adapters/sandbox/index.ts)',
      'steps (functions/broker/kinds/index.ts)',
      'a row in the table of kinds (db/kinds.ts)',
      'the cases `life` and `twice` (test/adapters/cases.ts)',
    ])
  })

  it('has one place in every order', () => {
    expect(KINDS_BY_RANK.toSorted()).toEqual(KINDS.toSorted())
    for (const order of ['turn', 'sought'] as const) {
      const places = KINDS_BY_RANK.flatMap((kind) => {
        const { adopted }: KindFacts = kindFacts[kind]
        return adopted === null || adopted === 'by mark' ? [] : [adopted[order]]
      })
      expect(
        places.toSorted((a, b) => a - b),
        order,
      ).toEqual(places.map((_, index) => index + 1))
    }
  })

  it('is adopted after what it comes with, and sought where most ids are first', () => {
    expect(ADOPTED_IN_TURN.indexOf('server')).toBeLessThan(ADOPTED_IN_TURN.indexOf('volume'))
    expect(ADOPTED_IN_TURN.indexOf('server')).toBeLessThan(ADOPTED_IN_TURN.indexOf('port'))
    expect(ADOPTED_IN_TURN.indexOf('network')).toBeLessThan(ADOPTED_IN_TURN.indexOf('server'))
    expect(ADOPTABLE[0]).toBe('server')
  })
})
