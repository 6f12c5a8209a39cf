import { type Figures, figuresOf } from '../../../db/queries/line/figures.ts'
import type { Host } from '../../context.ts'
import { keyring } from '../../crypto/keyring.ts'
import { openCredentials } from './seal.ts'

/** Work that has been due for longer waits for somebody who does not come, in milliseconds. */
const LATE = 5 * 60_000
/** Nothing is swept more often than once a minute, or left alone for longer than some ten. */
const UNSWEPT = 30 * 60_000
/** By so much the clocks of two machines may differ. */
const APART = 60_000

/** Whether the credentials of a cloud open: with today's key, with an older one, or with none that is here. */
type Sealed = 'none' | 'sealed' | 'sealed-with-older-key' | 'lost'

/** How the house stands: what rows say, and what of it somebody should look at. */
export interface Standing {
  figures: Figures
  /** By the id of a cloud. */
  sealed: Map<string, Sealed>
  /** By the name of a loop: for how long it has been waiting for its turn, in milliseconds; null: it has had none yet. */
  overdue: Map<string, number | null>
  /** How far this clock is behind what was written last, in milliseconds. */
  behindMs: number
  /** Sentences for whoever is woken by them. */
  troubles: string[]
}

/** Reads how it stands, in one batch; no cloud is asked. */
export const standingOf = async (host: Pick<Host, 'db' | 'now' | 'settings' | 'deployment' | 'aloneSince'>) => {
  const now = host.now()
  const figures = await figuresOf(host.db, now)
  const sealed = new Map(figures.clouds.map((cloud) => [cloud.id, sealedHow(host, cloud)]))
  const overdue = new Map(
    figures.loops.map(({ name, until }) => {
      const since = Math.max(until, host.aloneSince ?? 0)
      return [name, since === 0 ? null : Math.max(0, now - since)]
    }),
  )
  const behindMs = Math.max(0, newestIn(figures) - now)
  const standing = { figures, sealed, overdue, behindMs }
  return { ...standing, troubles: troublesIn(standing, now) } satisfies Standing
}

const sealedHow = (host: Pick<Host, 'settings' | 'deployment'>, cloud: Figures['clouds'][number]): Sealed => {
  if (cloud.credentials === null) return 'none'
  try {
    openCredentials(host, cloud)
  } catch {
    return 'lost'
  }
  const [today] = keyring(host.settings.secretKeys, 'credentials')
  return cloud.credentials.startsWith(`v1.${today?.kid}.`) ? 'sealed' : 'sealed-with-older-key'
}

const newestIn = ({ clouds, sweeps }: Figures): number =>
  Math.max(
    0,
    ...clouds.flatMap(({ seenAt, inventoryAt }) => [seenAt ?? 0, inventoryAt ?? 0]),
    ...sweeps.map(({ startedAt }) => startedAt ?? 0),
  )

const minutes = (ms: number): string => `${Math.floor(ms / 60_000)} min`

const QUEUES = {
  converge: 'Something to be done on a cloud',
  webhooks: 'Something to be told to a webhook',
  imports: 'An image to be imported',
}

const troublesIn = ({ figures, sealed, overdue, behindMs }: Omit<Standing, 'troubles'>, now: number): string[] => [
  ...figures.due.flatMap(({ queue, oldest }) =>
    oldest !== null && now - oldest > LATE ? [`${QUEUES[queue]} has been due for ${minutes(now - oldest)}.`] : [],
  ),
  ...[...overdue].flatMap(([name, late]) =>
    late !== null && late > LATE
      ? [`The loop ${name} has not had its turn for ${minutes(late)}: nothing starts it, or it has no time left.`]
      : [],
  ),
  ...figures.clouds.flatMap(({ id, name, enabled, breakerOpenUntil, lastError }) => [
    ...(enabled && breakerOpenUntil > now
      ? [
          `Cloud ${name} does not answer and is left alone until ${new Date(breakerOpenUntil).toISOString()}: ${lastError ?? 'no reason was told.'}`,
        ]
      : []),
    ...(sealed.get(id) === 'lost' ? [`The credentials of cloud ${name} open with no key of PLIMSOLL_SECRET_KEY.`] : []),
    ...figures.sweeps.flatMap((sweep) => (sweep.cloudId === id && enabled ? sweepTroubles(name, sweep, now) : [])),
  ]),
  ...(behindMs > APART
    ? [`This clock is ${minutes(behindMs)} behind what was written last: it was set back, or another was ahead.`]
    : []),
]

const sweepTroubles = (
  cloud: string,
  { dueAt, failed, units, orphans }: Figures['sweeps'][number],
  now: number,
): string[] => [
  ...(now - dueAt > UNSWEPT ? [`A sweep of cloud ${cloud} has been due for ${minutes(now - dueAt)}.`] : []),
  ...(failed ? [`The last sweep of cloud ${cloud} failed for ${failed} of ${units} kinds of things.`] : []),
  ...(orphans ? [`Cloud ${cloud} has ${orphans} objects with our mark that nothing accounts for.`] : []),
]
