import { Dice } from '../simulate/dice.ts'
import { move } from './move.ts'
import { type Fault, Router, type Steps } from './router.ts'
import { type Estate, openEstate, Refused, type Row } from './shard.ts'
import { type Account, sweep } from './sweep.ts'

const SHARDS = 3
const PROJECTS = ['amber', 'birch', 'cedar', 'delta']
const CLIENTS = 4
const ACTIONS = 14
const MOVES = 8
/** Objects with our mark that nothing of ours stands for. */
const LOST = ['lost-1', 'lost-2']

/** What every client was told is so: a row, where it belongs, and how often it was raised. */
interface Promised {
  project: string
  value: number
  at: number
}

/** One run, of which every interleaving follows from the seed. Throws what was broken. */
export const play = async (seed: number, fault?: Fault): Promise<void> => {
  const dice = new Dice(seed)
  const estate = await openEstate(SHARDS, PROJECTS)
  const promised = new Map<string, Promised>()
  const account: Account = new Map(LOST.map((id, i) => [id, { project: PROJECTS[i]! }]))
  const taken = new Set<string>()
  let now = 1
  let busy = CLIENTS

  async function* client(n: number): Steps {
    const router = new Router(estate, fault)
    const own: string[] = []
    /** An answer may get lost: what was asked for is asked for again, and is done once. */
    async function* surely(...write: Parameters<Router['write']>): Steps {
      yield* router.write(...write)
      if (dice.chance(0.3)) yield* router.write(...write)
    }
    for (let k = 0; k < ACTIONS; k++) {
      const id = `${n}-${k}`
      const project = dice.pick(PROJECTS)
      const known = own.length ? dice.pick(own) : null
      if (known && dice.chance(0.4)) {
        const row = promised.get(known)!
        yield* surely(row.project, `op-${id}`, 0, ['update rows set value = value + 1 where id = ?', known])
        row.value++
      } else if (dice.chance(0.6)) {
        yield* surely(project, id, 0)
        promised.set(id, { project, value: 0, at: now })
        own.push(id)
        yield
        account.set(id, { project })
        yield* surely(project, `op-bind-${id}`, 0, ['update rows set made = ? where id = ?', now, id])
        if (dice.chance(0.1) && account.delete(id)) taken.add(id)
      } else {
        const { rows } = yield* router.read(project)
        for (const mine of own) {
          const { project: of, value } = promised.get(mine)!
          if (of === project) same(`a read of ${mine}`, rows.find((row) => row.id === mine)?.value, value)
        }
      }
    }
    busy--
  }

  async function* mover(zombies: Steps[]): Steps {
    for (let k = 0; k < MOVES; k++) {
      const project = dice.pick(PROJECTS)
      const moving = guarded(move(estate, project, dice.below(SHARDS), fault))
      // Sometimes it stops somewhere, and goes on later, when others took its place.
      const steps = dice.chance(0.4) ? dice.below(14) : Number.POSITIVE_INFINITY
      for (let i = 0; i < steps; i++) {
        if ((await moving.next()).done) break
        yield
      }
      if (steps < Number.POSITIVE_INFINITY) zombies.push(moving)
      else continue
      yield* guarded(move(estate, project, 0, fault))
    }
  }

  const orphans = new Set<string>()
  async function* sweeper(): Steps {
    while (busy) {
      for (const id of yield* sweep(estate, account, () => now, fault)) orphans.add(id)
      yield
    }
  }

  async function* lister(): Steps {
    const router = new Router(estate, fault)
    while (busy) {
      const before = [...promised.keys()]
      const seen: string[] = []
      for (let after = ''; ; ) {
        const page = yield* router.page(after, 4)
        if (!page.length) break
        seen.push(...page.map(({ id }) => id))
        after = seen.at(-1)!
      }
      same('rows of a list', seen.length, new Set(seen).size)
      same('rows that a list lacks', before.filter((id) => !seen.includes(id)).join(), '')
    }
  }

  const zombies: Steps[] = []
  const actors: Steps[] = [mover(zombies), sweeper(), lister(), ...Array.from({ length: CLIENTS }, (_, n) => client(n))]
  while (actors.length) {
    now++
    if (zombies.length && dice.chance(0.05)) actors.push(zombies.shift()!)
    const actor = dice.pick(actors)
    if ((await actor.next()).done) actors.splice(actors.indexOf(actor), 1)
    if (now > 100_000) throw new Error('somebody waits for ever')
  }
  await settle(estate, fault)
  now++
  for (const id of await end(sweep(estate, account, () => now, fault))) orphans.add(id)
  await judge(estate, { promised, taken, orphans })
}

/** A mover that is told that another has taken over stops. */
async function* guarded(steps: Steps): Steps {
  try {
    yield* steps
  } catch (error) {
    if (!(error instanceof Refused)) throw error
  }
}

const end = async <T>(steps: Steps<T>): Promise<T> => {
  for (;;) {
    const step = await steps.next()
    if (step.done) return step.value
  }
}

/** Moves that broke off are brought to their end. */
const settle = async (estate: Estate, fault: Fault | undefined): Promise<void> => {
  const { results } = await estate.directory.prepare('select project from moves').all<{ project: string }>()
  for (const { project } of results) await end(move(estate, project, 0, fault))
}

const judge = async (
  estate: Estate,
  { promised, taken, orphans }: { promised: Map<string, Promised>; taken: Set<string>; orphans: Set<string> },
): Promise<void> => {
  const { results: places } = await estate.directory
    .prepare('select id, shard from projects')
    .all<{ id: string; shard: number }>()
  const rows: Row[] = []
  for (const [shard, db] of estate.shards.entries()) {
    const own = places.filter((place) => place.shard === shard).map(({ id }) => id)
    const open = await db.prepare(`select project as id from residents where state <> 'gone'`).all<{ id: string }>()
    same(
      `projects of shard ${shard}`,
      open.results
        .map(({ id }) => id)
        .toSorted()
        .join(),
      own.toSorted().join(),
    )
    const { results } = await db.prepare('select * from rows').all<Row>()
    same(`strangers in shard ${shard}`, results.filter(({ project }) => !own.includes(project)).length, 0)
    rows.push(...results)
  }
  for (const [id, { project, value }] of promised) {
    const found = rows.filter((row) => row.id === id)
    same(`rows ${id}`, found.length, 1)
    same(`project and value of ${id}`, `${found[0]!.project} ${found[0]!.value}`, `${project} ${value}`)
    same(`whether ${id} is missing`, found[0]!.missing > 0, taken.has(id))
  }
  same('rows of which nobody was told', rows.filter(({ id }) => !id.startsWith('op-') && !promised.has(id)).length, 0)
  same('orphans', [...orphans].sort().join(), LOST.join())
}

const same = (what: string, found: unknown, expected: unknown): void => {
  if (found !== expected) throw new Error(`${what}: ${found} instead of ${expected}`)
}
