import type { Realm, Seen } from '../../contract.ts'
import { refuse } from '../../shared/refusals.ts'

/** What is only looked at, in the members of a realm that change something. @param what the things, as a sentence begins */
export const looking = <Spec, S extends Seen>(
  what: string,
): Pick<Realm<Spec, S>, 'once' | 'settleMs' | 'create' | 'find' | 'remove'> => {
  const refused = async () => refuse(`${what} of this cloud are looked at, and neither made nor removed.`)
  return { once: 'unique', settleMs: 0, create: refused, find: async () => null, remove: refused }
}
