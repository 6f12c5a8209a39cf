import type { D1Database } from '@cloudflare/workers-types'
import type { Kind, Store } from '../../adapters/contract.ts'
import type { Entity, Hold } from '../../adapters/sandbox/records/entities.ts'
import { kindsThat } from '../../db/kinds.ts'

/** Everything that the clouds remember, each object with the cloud that it is on. */
export const lookBelow = async (store: Store): Promise<{ cloud: string; entity: Entity }[]> =>
  (await store.list('', 100_000))
    .filter(({ key }) => key.includes('/objects/'))
    .map(({ key, value }) => ({ cloud: key.slice(0, key.indexOf('/')), entity: value as unknown as Entity }))

interface Bound {
  cloud: string
  kind: string
  id: string | null
  want: string
  phase: string
  ownership: string
}

/** There may be several objects for one row; whatever else there is is there once, and so are images: nobody uploads one here. */
const REALISED_OFTEN = new Set<Kind>(
  kindsThat(({ realised }) => realised !== undefined).filter((kind) => kind !== 'image'),
)

/** On the way to be ours, or to be nobody's. */
const HANDOVER = new Set(['adopting', 'releasing'])

/** What is wrong between rows and clouds. `mayLeak`: what is nobody's leak. */
export const stepFaults = async (
  d1: D1Database,
  store: Store,
  now: number,
  mayLeak: (nativeId: string) => boolean = () => false,
): Promise<string[]> => {
  const { results } = await d1
    .prepare(
      "select cloud_id as cloud, kind, native_id as id, want, phase, ownership from bindings where project_id <> '' and phase <> 'gone'",
    )
    .all<Bound>()
  const bound = new Set(
    results.filter((b) => b.phase === 'bound' && b.want === 'present').map((b) => `${b.cloud} ${b.kind} ${b.id}`),
  )
  const faults = results
    .filter((b) => !['bound', 'failed'].includes(b.phase) || b.want === 'absent' || HANDOVER.has(b.ownership))
    .map((b) => `unsettled: ${b.kind} ${b.phase} ${b.ownership}`)
  const exists = ({ goneAt }: Pick<Hold, 'goneAt'>) => goneAt === null || goneAt > now
  const alive = (await lookBelow(store)).filter(
    ({ entity }) => entity.mark?.deployment !== 'somebody-else' && exists(entity),
  )
  const there = new Set(alive.map(({ cloud, entity }) => `${cloud} ${entity.kind} ${entity.id}`))
  const objects = new Map<string, number>()
  for (const { cloud, entity } of alive) {
    const { kind, id, mark } = entity
    if (!mark || mayLeak(id)) continue
    const row = `${kind} ${mark.resource}`
    if (!REALISED_OFTEN.has(kind)) objects.set(row, (objects.get(row) ?? 0) + 1)
    if (!bound.has(`${cloud} ${kind} ${id}`)) faults.push(`leaked: ${kind} ${id}`)
  }
  for (const [row, n] of objects) if (n > 1) faults.push(`${n} objects for one ${row.split(' ')[0]}`)
  for (const { cloud, entity } of alive) {
    const hold = entity.kind === 'volume' || entity.kind === 'port' ? entity.hold : null
    if (!hold || !exists(hold) || !there.has(`${cloud} server ${hold.server}`)) continue
    const plug = `${cloud} ${entity.kind === 'volume' ? 'attachment' : 'interface'} ${entity.id}@${hold.server}`
    there.add(plug)
    if (hold.mark && !bound.has(plug)) faults.push(`leaked: ${plug.slice(plug.indexOf(' ') + 1)}`)
  }
  for (const name of bound) if (!there.has(name)) faults.push(`lost: ${name.slice(name.indexOf(' ') + 1)}`)
  return faults
}
