import type { Reclaim } from '../../../../adapters/contract.ts'
import type { Said } from '../../../../db/queries/clouds/policies.ts'
import { movingParts } from '../../../../db/queries/compute/moving.ts'
import { finishActions } from '../../../../db/queries/compute/server-actions.ts'
import type { MoveRow } from '../../../../db/queries/compute/server-moves.ts'
import { type ServerRow, serverLeft, updateServer } from '../../../../db/queries/compute/servers.ts'
import { type Binding, forgetGone, refOf } from '../../../../db/queries/line/bindings.ts'
import { settleDrift } from '../../../../db/queries/line/drift.ts'
import type { Context } from '../../../context.ts'
import { stillSaid } from '../../clouds/policy.ts'
import { guard, type Write } from '../../line/commit.ts'
import { epochOf } from '../../line/epoch.ts'
import { bindTo } from '../../line/resources.ts'
import { arrivingIn, standIn } from '../home/instead.ts'
import { aloneFirst } from '../home/machine.ts'
import { standingOf } from '../home/settle.ts'
import { MACHINE_ACTIONS, serverStatus } from '../lifecycle.ts'
import { SPOT } from '../metadata-rules.ts'
import { whyNotMovable } from '../moving/movable.ts'
import { placesAnew } from '../moving/places-anew.ts'
import { moveOn } from '../place/next.ts'
import { recordAttempt } from '../place/record.ts'
import { offerRefused, sizeBought, tellOf } from '../place/refusals.ts'
import type { ServerWork } from '../server-act.ts'
import { claimLost } from '../server-act.ts'
import { failedStatus, type Place, type Places, placesJson, placesOf } from '../server-facts.ts'
import { stayTogether } from '../server-group.ts'

/*
 * A cloud takes back what was bought as spot. The machine is gone for good, and costs nothing from then on. A server whose
 * user agreed to it begins again from its image, in the next place; any other is in error, and is never made anew.
 */

/** After so many a server is bought on demand. */
const MOST_RECLAIMS = 3

/** What becomes of the binding of a server that its cloud took back, and the batch that goes with it. */
interface Taken {
  here: Partial<Binding>
  writes: Write[]
}

const GONE: Partial<Binding> = { want: 'absent', phase: 'gone', task: null, frozen: null, error: null, dueAt: null }

/**
 * What becomes of a server that its cloud took back. Throws `conflict` while another machine of it still has to go.
 * @param stuck why it cannot be anywhere else, where that was found out by trying; null: it was not tried
 */
export const serverReclaimed = async (
  context: Context,
  work: ServerWork,
  binding: Binding,
  reclaim: Reclaim,
  stuck: string | null,
): Promise<Taken> => {
  const { server } = work
  const keeps = stuck ?? whyNotMovable(server, await movingParts(context.db, server.id))
  const reclaims = (placesOf(server).reclaims ?? 0) + 1
  const ended = (why: string | null) => endOf(context, server, binding, reclaim, why)
  const arriving = keeps === null ? await arrivingHome(context, work) : null
  if (arriving)
    return { here: GONE, writes: [...ended(null), ...(await arrived(context, work, arriving, reclaim, reclaims))] }
  await aloneFirst(context, work)
  const next = keeps === null ? await replacement(context, work, binding, reclaim, reclaims) : keeps
  if (typeof next === 'string')
    return { here: GONE, writes: [...ended(next), ...inError(context, server, reclaim, next)] }
  const { place, writes } = next
  if (place.cloudId !== binding.cloudId)
    return {
      here: GONE,
      writes: [
        ...ended(null),
        ...writes,
        // It may have been there before.
        forgetGone(context.db, { ...refOf(binding), cloudId: place.cloudId }),
        bindTo(context, 'server', server, place),
      ],
    }
  return { here: anew(context, place), writes: [...ended(null), ...writes] }
}

/** Another machine, asked for with a token of its own: the old one stands for what is gone. */
const anew = (context: Context, { zone }: Place): Partial<Binding> => {
  const now = context.now()
  return {
    ...{ phase: 'intent', zone, token: context.newId(), epoch: epochOf(now), nativeId: null },
    ...{ frozen: null, task: null, share: null, error: null, observed: null },
    ...{ calledAt: null, boundAt: null, seenAt: null, missing: 0, attempts: 0, createdAt: now },
  }
}

/** What its metadata say of the machine that comes next. */
const metadataFor = ({ metadata }: ServerRow, reclaims: number): ServerRow['metadata'] =>
  reclaims < MOST_RECLAIMS ? metadata : { ...metadata, [SPOT]: 'never' }

/** The next place of a server, and the writes that take it there; a sentence: there is none, because. */
const replacement = async (
  context: Context,
  { server, group }: ServerWork,
  binding: Binding,
  { words }: Reclaim,
  reclaims: number,
): Promise<{ place: Place; writes: Write[] } | string> => {
  const metadata = metadataFor(server, reclaims)
  const fresh = await placesAnew(context, server, { group, metadata, without: words })
  const { at } = placesOf(server)
  const asked = { ...server, places: placesJson({ at, next: fresh.places, tried: [], reclaims }) }
  const next = await moveOn(context, asked, binding, group, { anew: true })
  if (!next) return `No valid host was found. ${fresh.reason}`.trim()
  const { place, writes } = next
  const kept = group ? stayTogether(context, group, place) : []
  return { place, writes: [...begun(context, server, { ...next, runsSince: null }, words), ...kept, ...writes] }
}

interface Arriving {
  move: MoveRow
  /** What makes it be at home. */
  said: Said
}

/** What arrives at home by what is said now; null: nothing does. */
const arrivingHome = async (context: Context, work: ServerWork): Promise<Arriving | null> => {
  const move = arrivingIn(work)
  if (!move) return null
  const { said, spilled } = await standingOf(context, move)
  return spilled ? null : { move, said }
}

/** A machine was on its way to take the place of this one: it takes it now, ready or not. Where it fails the server goes on from there. */
const arrived = async (
  context: Context,
  { server, group }: ServerWork,
  { move, said }: Arriving,
  { words }: Reclaim,
  reclaims: number,
): Promise<Write[]> => {
  const { at, filters, runsSince, writes } = await standIn(context, server, move)
  const metadata = metadataFor(server, reclaims)
  const { places: others } = await placesAnew(context, server, { group, metadata, without: words })
  const places = { at, next: others, tried: [], reclaims }
  return [
    stillSaid(context, server.projectId, said),
    ...writes,
    ...begun(context, server, { place: at, places, filters, spilled: false, runsSince }, words),
  ]
}

interface Begun {
  place: Place
  places: Places
  filters: ServerRow['filters']
  spilled: boolean
  /** Null: it is still to be made. */
  runsSince: number | null
}

/** Writes with which a server is the machine that comes next. */
const begun = (
  context: Context,
  server: ServerRow,
  { place, places, filters, spilled, runsSince }: Begun,
  words: string,
): Write[] => {
  const now = context.now()
  const runs = runsSince !== null
  const status = serverStatus({
    phase: runs ? 'bound' : 'intent',
    want: 'present',
    health: null,
    power: runs ? 'running' : null,
    launched: runs,
    action: null,
    resized: false,
    before: null,
  })
  return [
    updateServer(context.db, server.id, {
      ...{ cloudId: place.cloudId, zone: place.zone, filters, spilled, places: placesJson(places) },
      ...status,
      ...{ launchedAt: runsSince, terminatedAt: null, bootedAt: null, hostId: '', fault: null },
      ...{ wantPower: 'running', updatedAt: now },
    }),
    tellOf(context, server, {
      action: 'replaced',
      state: 'done',
      cloudId: place.cloudId,
      said: `.${place.zone} makes it anew from its image: ${sizeBought(place)}`,
    }),
    recordAttempt(context, server.id, place, { code: 'reclaimed', message: words }),
  ]
}

/** Nothing of the old machine runs, costs, or is counted any more; what its cloud said is remembered of the offer. */
const endOf = (
  context: Context,
  server: ServerRow,
  binding: Binding,
  { at, words }: Reclaim,
  why: string | null,
): Write[] => {
  const { db } = context
  const now = context.now()
  const held = placesOf(server).at
  const size = held ? sizeBought(held) : 'it'
  return [
    // What is being deleted goes on to be.
    guard(context, 'server-gone', serverLeft(server.id)),
    ...claimLost(context, server),
    updateServer(db, server.id, { cloudId: null, terminatedAt: Math.min(at ?? now, now), updatedAt: now }),
    tellOf(context, server, {
      action: 'reclaimed',
      state: why === null ? 'done' : 'failed',
      cloudId: binding.cloudId,
      said: `.${server.zone ?? binding.zone} took back ${size}: ${words.slice(0, 300)}${why === null ? '' : ` ${why}`}`,
    }),
    ...(held ? [offerRefused(context, server.projectId, held, { shortage: 'no-capacity', words })] : []),
    finishActions(db, server.id, MACHINE_ACTIONS, why === null ? null : TAKEN_BACK, now),
    settleDrift(db, binding, now),
  ]
}

const TAKEN_BACK = 'The server was taken back by the cloud.'

const inError = (context: Context, server: ServerRow, { words }: Reclaim, why: string): Write[] => {
  const now = context.now()
  const message = `${TAKEN_BACK} ${words.slice(0, 300)} ${why}`
  return [
    updateServer(context.db, server.id, {
      ...failedStatus(server, 'present'),
      ...{ zone: null, hostId: '', spilled: false, places: placesJson({ at: null, next: [] }) },
      fault: { code: 500, message, created: now },
    }),
    finishActions(context.db, server.id, ['create'], message, now),
  ]
}
