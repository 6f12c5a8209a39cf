import type { Context } from '../../../context.ts'
import { weighWish } from '../server-create.ts'
import type { Place } from '../server-facts.ts'
import { type ServerRefusal, ServerRefused } from '../server-refusal.ts'
import { NO_SERVER, type ServerWish } from '../server-wish.ts'
import type { Explanation } from './explanation.ts'

/** What of a server decides where it goes. */
export type Wanted = Pick<ServerWish, 'flavorId' | 'imageId'> & Partial<ServerWish>

/** What would become of a server that is asked for now; quotas are not looked at. */
export type Foreseen =
  /** Best first; the first is where it would be sent. `filters`: what that cloud does with security groups. */
  | { outcome: 'placed'; places: Place[]; filters: string; explanation: Explanation }
  /** It would be made, and end in ERROR at once. */
  | { outcome: 'nowhere'; reason: string; explanation: Explanation }
  | { outcome: 'refused'; refusal: ServerRefusal }

/** Decides where a server would go, as its creation does, and leaves everything as it is. Throws `Refused`. */
export const foresee = async (context: Context, projectId: string, wanted: Wanted): Promise<Foreseen> => {
  try {
    const { choice } = await weighWish(context, projectId, { ...NO_SERVER, ...wanted })
    const { places, filters, explanation, reason } = choice
    return places.length
      ? { outcome: 'placed', places, filters, explanation }
      : { outcome: 'nowhere', reason, explanation }
  } catch (error) {
    if (!(error instanceof ServerRefused)) throw error
    return { outcome: 'refused', refusal: error.refusal }
  }
}
