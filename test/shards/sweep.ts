import type { Fault, Steps } from './router.ts'
import { commit, type Estate, guard, type Place, Refused } from './shard.ts'

const PAGE = 4

/** Objects in one cloud account that projects of several shards share, each with the mark of its row. */
export type Account = Map<string, { project: string }>

/**
 * One listing of the account for all shards, judged project by project where each is. One that has moved since the listing
 * began is left for the next: neither is it here, nor did the shard where it is now know of what was made meanwhile. Gives
 * ids of objects that no row accounts for.
 */
export async function* sweep(estate: Estate, account: Account, now: () => number, fault?: Fault): Steps<string[]> {
  const began = now()
  yield
  const { results: places } = await estate.directory
    .prepare('select id, shard, version from projects')
    .all<Place & { id: string }>()
  const shown: { id: string; project: string }[] = []
  for (let cursor = ''; ; ) {
    yield
    const page = [...account.keys()]
      .filter((id) => id > cursor)
      .sort()
      .slice(0, PAGE)
    if (!page.length) break
    for (const id of page) shown.push({ id, project: account.get(id)!.project })
    cursor = page.at(-1)!
  }
  const orphans: string[] = []
  for (const { id: project, shard, version } of places) {
    yield
    const db = estate.shards[shard]!
    const marked = JSON.stringify(shown.filter((each) => each.project === project).map(({ id }) => id))
    const here = guard(
      db,
      `exists (select 1 from residents where project = ?1 and version = ?2 and state in ('open', 'copied'))`,
      project,
      version,
    )
    try {
      const unknown = await commit<{ id: string }>(
        db,
        ...(fault === 'sweeps do not look where the project is' ? [] : [here]),
        db
          .prepare(
            `update rows set missing = missing + 1 where project = ? and made between 1 and ?
             and id not in (select value from json_each(?))`,
          )
          .bind(project, began - 1, marked),
        db
          .prepare('select value as id from json_each(?) where value not in (select id from rows where project = ?)')
          .bind(marked, project),
      )
      orphans.push(...unknown.map(({ id }) => id))
    } catch (error) {
      if (!(error instanceof Refused)) throw error
    }
  }
  return orphans
}
