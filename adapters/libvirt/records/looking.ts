import type { NativeId, Realm, Seen } from '../../contract.ts'
import { refuse } from '../../shared/refusals.ts'

/**
 * A realm in which some things are others': they are looked at. A change of one changes nothing, as what its owner says of it,
 * its name above all, is above the line alone.
 * @param what the things, as a sentence begins
 * @param others what is seen of one that others made; null for all else
 */
export const exceptOthers = <Spec, S extends Seen>(
  realm: Realm<Spec, S>,
  what: string,
  others: (id: NativeId) => Promise<S | null>,
): Realm<Spec, S> => ({
  ...realm,
  update: async (id, spec) => (await others(id)) ?? realm.update!(id, spec),
  async remove(id, mark) {
    if (await others(id)) refuse(`${what} that others made on this cloud are looked at, and not removed.`)
    await realm.remove(id, mark)
  },
})
