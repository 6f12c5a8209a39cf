import type { Found } from '../../../../db/queries/compute/places.ts'
import type { Context } from '../../../context.ts'
import { type Choice, choosePlaces } from '../place/choose.ts'
import { ServerRefused } from '../server-refusal.ts'
import type { ServerWish, Understood } from '../server-wish.ts'

export interface Fitting {
  count: number
  choice: Choice
}

/**
 * Where servers go, and how many: those of a request all of them, and as many of what is made for something of ours as the
 * cloud takes that is best for the first. Throws as `choosePlaces` does.
 */
export const asManyAsFit = async (
  context: Context,
  wish: ServerWish,
  understood: Understood,
  found: Found,
): Promise<Fitting> => {
  const choose = (maxCount: number) => choosePlaces(context, { ...wish, maxCount }, understood, found)
  if (!wish.making || wish.maxCount === 1) return { count: wish.maxCount, choice: await choose(wish.maxCount) }
  const one = await choose(1)
  const [best] = one.places
  if (!best) return { count: 1, choice: one }
  const same = async (count: number): Promise<Choice | null> => {
    try {
      const choice = await choose(count)
      return choice.places[0]?.cloudId === best.cloudId ? choice : null
    } catch (error) {
      if (!(error instanceof ServerRefused)) throw error
      return null
    }
  }
  // By halves: `fitting` fits, and `beyond` does not.
  let fitting: Fitting = { count: 1, choice: one }
  let beyond = wish.maxCount + 1
  while (fitting.count + 1 < beyond) {
    const count = beyond > wish.maxCount ? wish.maxCount : Math.floor((fitting.count + beyond) / 2)
    const choice = await same(count)
    if (choice) fitting = { count, choice }
    else beyond = count
  }
  return fitting
}

/** So many of the rules that were in the way are told. */
const MOST_TOLD = 3

/** Why there is no place: of a server that is not made nobody can ask what was considered. */
export const whyNowhere = ({ reason, explanation }: Choice): string => {
  const whys = explanation.considered.flatMap(({ refused }) => refused?.reason ?? [])
  return [...new Set([reason, ...whys])].slice(0, 1 + MOST_TOLD).join(' ')
}
