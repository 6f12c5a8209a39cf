import type { Kind, NativeId, ServerSeen, ServerSpec } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import type { CloudRow } from '../../../db/queries/clouds/clouds.ts'
import { getBinding } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { connectCloud } from '../clouds/clouds.ts'
import { POLICY_MOVED } from '../clouds/policy.ts'
import { Refused } from '../line/refused.ts'
import { reserveTaken } from '../network/foreign-addresses.ts'
import { NetworkRefused } from '../network/network-refusal.ts'
import { adopters } from './adopters.ts'
import { type Position, takeAll } from './all.ts'
import { publicAddresses } from './floating-ip.ts'
import { ADOPTABLE, type AdoptableKind } from './listing.ts'
import { type Item, NotAdoptable, Plan, words } from './plan.ts'
import { takeParts } from './server.ts'

/** How long one call goes on, in milliseconds, and how many objects it makes resources of; one more may come along. */
const TIME = 20_000
const MOST = 80

export interface AdoptWish {
  projectId: string
  /** Objects by their native ids, or all that nobody manages, from where an earlier call stopped. */
  nativeIds: NativeId[] | { from: Position | null }
  /** Named objects are looked for among this kind alone, and refused where something stands for them already. */
  newOf?: AdoptableKind | 'snapshot'
  tag: boolean
}
export interface AdoptReport {
  adopted: Item[]
  refused: { nativeId: NativeId; reason: string }[]
  /** Of the named ones those that there was no time for. */
  remaining: NativeId[]
  /** Where to go on; null: the listing is at its end. */
  next: Position | null
  /** The cloud's listing left nothing out. */
  complete: boolean
}

/**
 * Makes resources of what runs already: rows and bindings first, in one batch for each object with all that it stands
 * on, then the marks. Whatever stops in between goes on when it is repeated, or when the cron comes by. Nothing else is
 * changed on the cloud, and without `tag` nothing at all. One call does a bounded piece, one object at least, and says what
 * is left; what an earlier piece has refused is not tried again by the next. Throws `NotConnected`.
 */
export const adopt = async (context: Context, row: CloudRow, wish: AdoptWish): Promise<AdoptReport> => {
  const { cloud } = await connectCloud(context, row, wish.projectId)
  const until = context.now() + TIME
  const report: AdoptReport = { adopted: [], refused: [], remaining: [], next: null, complete: true }
  const seen = new Set<string>()
  const addresses = publicAddresses(cloud)
  const newPlan = () => new Plan(context, row, cloud, adopters, { ...wish, addresses })
  const isSpent = () => context.now() >= until || report.adopted.length + report.refused.length >= MOST
  const one = async (kind: Kind | null, nativeId: NativeId) => {
    if (kind && seen.has(`${kind}/${nativeId}`)) return
    const items = await takeOne(newPlan, kind, nativeId, wish.newOf !== undefined).catch((error) => {
      report.refused.push({ nativeId, reason: reasonOf(error) })
      return []
    })
    const fresh = items.filter((item) => !seen.has(`${item.kind}/${item.nativeId}`))
    for (const item of fresh) seen.add(`${item.kind}/${item.nativeId}`)
    report.adopted.push(...fresh)
    await markAll(context, fresh)
  }
  if (Array.isArray(wish.nativeIds)) {
    const left = [...wish.nativeIds]
    do {
      await one(wish.newOf ?? null, left.shift()!)
    } while (left.length && !isSpent())
    report.remaining = left
  } else await takeAll({ context, row, cloud }, wish.nativeIds.from, { one, isSpent, report })
  await reserveTaken(context, row.id, cloud, wish.projectId, report.adopted)
  return report
}

/** One object with everything that it needs, written at once. Twice, if others adopt the same, or something else is said, at the same time. */
const takeOne = async (
  newPlan: () => Plan,
  kind: Kind | null,
  nativeId: NativeId,
  onlyNew: boolean,
): Promise<Item[]> => {
  for (let left = 2; ; left--) {
    const plan = newPlan()
    const item = await plan.take(kind ?? (await kindOf(plan, nativeId)), nativeId)
    if (item.projectId !== plan.options.projectId && item.projectId !== '')
      throw new NotAdoptable(`It is project ${item.projectId}'s already.`)
    if (onlyNew && !item.fresh) throw new NotAdoptable(`The ${words(item.kind)} ${nativeId} is managed already.`)
    if (item.kind === 'server' && !item.fresh) await again(plan, item)
    try {
      await plan.commit(item)
      return plan.items
    } catch (error) {
      if (!isRaced(error) || left <= 1) throw error
    }
  }
}

const isRaced = (error: unknown): boolean => {
  if (!(error instanceof Refused)) return false
  const { refusal } = error
  return refusal.kind === 'taken' || (refusal.kind === 'guard' && refusal.what === POLICY_MOVED)
}

/** A server that is there already brings what came to it since. */
const again = async (plan: Plan, server: Item): Promise<void> => {
  const seen = (await plan.cloud.server.get(server.nativeId)) as ServerSeen | null
  const read = seen && (await plan.cloud.server.read?.(server.nativeId))
  const boot = (read?.spec as ServerSpec | undefined)?.boot?.volume ?? null
  if (seen && read) await takeParts(plan, server, seen, read.owns, boot)
}

const kindOf = async (plan: Plan, nativeId: NativeId): Promise<Kind> => {
  for (const kind of ADOPTABLE) {
    if (await plan.boundObject(kind, nativeId)) return kind
    if (plan.cloud[kind]?.read && (await plan.cloud[kind].get(nativeId))) return kind
  }
  throw new NotAdoptable('The cloud shows no such object.')
}

/** Puts the marks on; one that is refused stays to be done, and says so on its binding. */
const markAll = async (context: Context, items: Item[]): Promise<void> => {
  for (const item of items) {
    if (item.ownership !== 'adopting') continue
    await context.converge(context, item)
    item.ownership = (await getBinding(context.db, item))?.ownership ?? item.ownership
  }
}

/** In words for the operator; anything but a refusal is a defect, and goes on. */
export const reasonOf = (error: unknown): string => {
  if (error instanceof NotAdoptable || error instanceof CloudError || error instanceof NetworkRefused)
    return error.message
  if (!(error instanceof Refused)) throw error
  const { refusal } = error
  if (refusal.kind === 'quota') return `The project's limit of ${refusal.resource.replaceAll('_', ' ')} is reached.`
  if (refusal.kind === 'taken') return `The project has it already (${refusal.columns.join(', ')}).`
  if (refusal.kind === 'guard' && refusal.what === POLICY_MOVED)
    return 'Something else is said of the project by now; ask again.'
  return refusal.kind === 'guard' ? `The ${words(refusal.what as Kind)} is in the way.` : 'The token was revoked.'
}
