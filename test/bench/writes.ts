import { benchCreates } from './creates.ts'
import { timed } from './load.ts'
import type { Estate } from './reads/estate.ts'
import { benchReconcile } from './reconcile.ts'
import type { Table } from './table.ts'
import { passwordBody, type World } from './world.ts'

const ROWS = 10_000

/** What a login, a create and a quiet sweep cost, in time and in trips. */
export const benchWrites = async (world: World, estate: Estate, table: Table): Promise<void> => {
  const { counter, send } = world
  const issue = (user: 'demo' | 'admin') => () =>
    send('POST', '/identity/v3/auth/tokens', undefined, passwordBody(user))
  // An administrator's password is hashed each time; the other was right when the token was made that is used here.
  const hashed = await counter.of(issue('admin'))
  table.row('POST /auth/tokens, password hashed', `${(await timed(5, issue('admin'))).toFixed(1)} ms`, '', hashed)
  table.target('a login is 2 round trips besides the hash', hashed.database <= 2, `${hashed.database}`)
  const known = await counter.of(issue('demo'))
  const knownMs = await timed(50, issue('demo'))
  table.row('POST /auth/tokens, password known', `${knownMs.toFixed(2)} ms`, '', known)
  table.target('a login with a known password takes ≤ 1 ms, all of it', knownMs <= 1, `${knownMs.toFixed(2)} ms`)

  await benchCreates(world, estate, table)

  const sweep = await benchReconcile(world, ROWS)
  table.row('bare read + JSON.stringify of 10,000 bindings and sightings', `${sweep.bareMs.toFixed(0)} ms`, '1.00')
  table.row(
    'reconcile of 10,000 quiet servers',
    `${sweep.ms.toFixed(0)} ms`,
    (sweep.ms / sweep.bareMs).toFixed(2),
    sweep.trips,
  )
}
