import { commit, type Estate, guard, type Place, Refused, type Row } from './shard.ts'

/** What may be left out, to see that the simulation notices. */
export type Fault =
  | 'writes do not look where the project is'
  | 'reads do not look where the project is'
  | 'a move does not close'
  | 'a move forgets what was written meanwhile'
  | 'movers are not fenced'
  | 'sweeps do not look where the project is'
  | 'pages do not count projects'

/** Steps of a program: between two of them anything may happen elsewhere. */
export type Steps<T = void> = AsyncGenerator<void, T>

/** One process: it remembers where projects are, and asks again only when a shard says that one is not there. */
export class Router {
  readonly #estate: Estate
  readonly #fault: Fault | undefined
  readonly #known = new Map<string, Place>()

  constructor(estate: Estate, fault?: Fault) {
    this.#estate = estate
    this.#fault = fault
  }

  async *place(project: string): Steps<Place> {
    const known = this.#known.get(project)
    if (known) return known
    yield
    const place = (await this.#estate.directory
      .prepare('select shard, version from projects where id = ?')
      .bind(project)
      .first<Place>())!
    this.#known.set(project, place)
    return place
  }

  /** Runs statements where the project is, together or not at all; false: `id` was there already, from an earlier try. */
  async *write(
    project: string,
    id: string,
    made: number,
    ...more: [sql: string, ...values: unknown[]][]
  ): Steps<boolean> {
    for (;;) {
      const { shard, version } = yield* this.place(project)
      const db = this.#estate.shards[shard]!
      yield
      try {
        const here = guard(
          db,
          `exists (select 1 from residents where project = ?1 and version = ?2 and state in ('open', 'copied'))`,
          project,
          version,
        )
        await commit(
          db,
          ...(this.#fault === 'writes do not look where the project is' ? [] : [here]),
          db.prepare('insert into rows (id, project, value, made) values (?, ?, 0, ?)').bind(id, project, made),
          ...more.map(([sql, ...values]) => db.prepare(sql).bind(...values)),
        )
        return true
      } catch (error) {
        if (/UNIQUE/.test(String(error))) return false
        if (!(error instanceof Refused)) throw error
        this.#known.delete(project)
      }
    }
  }

  /** Everything that a project has, and the place in which it was found. */
  async *read(project: string): Steps<{ rows: Row[]; place: Place }> {
    for (;;) {
      const place = yield* this.place(project)
      const db = this.#estate.shards[place.shard]!
      yield
      // One statement says both that the project is here and what it has.
      const here =
        this.#fault === 'reads do not look where the project is'
          ? '1 or ?2'
          : `exists (select 1 from residents where project = ?1 and version = ?2 and state in ('open', 'copied', 'closed'))`
      const { results } = await db
        .prepare(`select r.* from (select ?1 as project where ${here}) s left join rows r on r.project = s.project`)
        .bind(project, place.version)
        .all<Row>()
      if (results.length) return { rows: results.filter(({ id }) => id !== null), place }
      this.#known.delete(project)
    }
  }

  /** The next page over all projects: of each shard the first rows behind the marker. */
  async *page(after: string, limit: number): Steps<Row[]> {
    for (;;) {
      yield
      const { results: all } = await this.#estate.directory.prepare('select id from projects').all<{ id: string }>()
      const found: Row[] = []
      const shown: string[] = []
      for (const db of this.#estate.shards) {
        yield
        const [there, rows] = await db.batch<never>([
          db.prepare(`select project as id from residents where state in ('open', 'copied', 'closed')`),
          db
            .prepare(
              `select r.* from rows r join residents s on s.project = r.project and s.state in ('open', 'copied', 'closed')
               where r.id > ? order by r.id limit ?`,
            )
            .bind(after, limit),
        ])
        found.push(...((rows?.results ?? []) as Row[]))
        shown.push(...((there?.results ?? []) as { id: string }[]).map(({ id }) => id))
      }
      // A project that was under way was seen nowhere, or twice: the page is asked for again.
      const whole =
        shown.toSorted().join() ===
        all
          .map(({ id }) => id)
          .toSorted()
          .join()
      if (whole || this.#fault === 'pages do not count projects')
        return found.toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit)
    }
  }
}
