import { addAttempt, insertPlacement } from '../../../../db/queries/compute/placements.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Context } from '../../../context.ts'
import type { Write } from '../../line/commit.ts'
import type { Place } from '../server-facts.ts'
import type { Placed } from '../server-row.ts'
import type { Origin } from '../server-wish.ts'
import { type Attempt, attemptJson, explanationJson, MOST_ATTEMPTS, type Tie } from './explanation.ts'

/** Keeps, with a new server, what was asked of its placing, what was weighed, and where it goes first. */
export const recordPlacement = (
  { context, wish, origin, places, explanation }: Placed,
  { id }: Pick<ServerRow, 'id'>,
): Write => {
  const [first] = places
  const [best] = explanation.considered
  return insertPlacement(context.db, {
    serverId: id,
    hints: wish.hints,
    explanation: explanationJson({ ...explanation, ties: [...parentTie(origin), ...explanation.ties] }),
    attempts: first && best ? [attemptJson(first, best.cloud, context.now())] : [],
    createdAt: context.now(),
  })
}

const parentTie = ({ columns: { parentId } }: Origin): Tie[] =>
  parentId === null ? [] : [{ rule: 'parent', to: [], reason: `It is a fork, and is where instance ${parentId} is.` }]

/** Adds to what is kept of a server that it moved on, and why. */
export const recordAttempt = (
  { db, now }: Context,
  serverId: string,
  place: Place,
  after: NonNullable<Attempt['after']>,
): Write => addAttempt(db, serverId, place.cloudId, attemptJson(place, '', now(), after), MOST_ATTEMPTS)
