import type { Fault, Steps } from './router.ts'
import { commit, type Estate, guard, type Row } from './shard.ts'

const PAGE = 3

interface Move {
  goal: number
  origin: number
  fence: number
  opening: number
  /** Of the project when this mover came. */
  version: number
}

/**
 * Moves a project, or goes on with a move that broke off: every step may be done twice. A mover that was thought dead and is
 * not is stopped by its fence at its next step. Throws `Refused` then.
 */
export async function* move(estate: Estate, project: string, goal: number, fault?: Fault): Steps {
  const { directory, shards } = estate
  yield
  // 1. The intention, and with it the right to go on: whoever comes last holds it. The same batch reads its fence.
  const [found] = await commit<Move>(
    directory,
    directory.prepare('update projects set fence = fence + 1 where id = ?').bind(project),
    directory
      .prepare(
        `insert into moves (project, goal, origin, fence) select id, ?2, shard, fence from projects
         where id = ?1 and (shard <> ?2 or id in (select project from moves))
         on conflict (project) do update set fence = excluded.fence`,
      )
      .bind(project, goal),
    directory
      .prepare('select m.*, p.version from moves m join projects p on p.id = m.project where m.project = ?')
      .bind(project),
  )
  if (!found) return
  const { fence, opening, version } = found
  const [origin, target] = [shards[found.origin]!, shards[found.goal]!]
  const fenced = (db: typeof origin) =>
    fault === 'movers are not fenced'
      ? guard(db, '1')
      : guard(db, 'not exists (select 1 from residents where project = ?1 and mover > ?2)', project, fence)
  const mine = guard(directory, 'exists (select 1 from moves where project = ?1 and fence = ?2)', project, fence)
  const become = (db: typeof origin, state: string) =>
    commit(
      db,
      fenced(db),
      db.prepare('update residents set state = ?2, mover = ?3 where project = ?1').bind(project, state, fence),
    )
  const put = async (rows: Row[]) =>
    commit(
      target,
      fenced(target),
      ...rows.map(({ id, value, made, missing }) =>
        target
          .prepare('insert or replace into rows (id, project, value, made, missing) values (?, ?, ?, ?, ?)')
          .bind(id, project, value, made, missing),
      ),
    )

  if (!opening) {
    // 2. Room at the goal, without what an earlier try left there.
    await commit(
      target,
      fenced(target),
      target
        .prepare(
          `insert into residents values (?1, ?2, 'arriving', ?3) on conflict (project) do update set version = ?2, state = 'arriving', mover = ?3`,
        )
        .bind(project, version + 1, fence),
      target.prepare('delete from rows where project = ?').bind(project),
    )
    yield
    // 3. From here on what is written is noted; 4. all that there is goes over, while reads and writes go on.
    await become(origin, 'copied')
    for (let after = ''; ; ) {
      yield
      const { results } = await origin
        .prepare('select * from rows where project = ? and id > ? order by id limit ?')
        .bind(project, after, PAGE)
        .all<Row>()
      if (!results.length) break
      yield
      await put(results)
      after = results.at(-1)!.id
    }
    yield
    // 5. A pause for writes, which is as long as what was noted is much.
    if (fault !== 'a move does not close') await become(origin, 'closed')
    yield
    // 6. What was written meanwhile.
    if (fault !== 'a move forgets what was written meanwhile') {
      const { results } = await origin
        .prepare('select r.* from touched t join rows r on r.id = t.id where t.project = ?')
        .bind(project)
        .all<Row>()
      yield
      await put(results)
    }
    yield
    // 7. Nobody reads there any more; 8. the directory says where it is.
    await become(origin, 'left')
    yield
    await commit(
      directory,
      ...(fault === 'movers are not fenced' ? [] : [mine]),
      directory
        .prepare('update projects set shard = ?2, version = ?3 where id = ?1')
        .bind(project, found.goal, version + 1),
      directory.prepare('update moves set opening = 1 where project = ?').bind(project),
    )
    yield
  }
  // 9. It opens; 10. what it left goes, but for the fence; 11. the move is done.
  await become(target, 'open')
  yield
  await commit(
    origin,
    fenced(origin),
    origin.prepare(`update residents set state = 'gone', mover = ?2 where project = ?1`).bind(project, fence),
    ...['rows', 'touched'].map((table) => origin.prepare(`delete from ${table} where project = ?`).bind(project)),
  )
  yield
  await commit(
    directory,
    ...(fault === 'movers are not fenced' ? [] : [mine]),
    directory.prepare('delete from moves where project = ?').bind(project),
  )
}
