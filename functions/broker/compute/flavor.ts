import type { FlavorRow } from '../../../db/queries/compute/flavors.ts'
import * as rows from '../../../db/queries/compute/flavors.ts'
import type { FlavorSnapshot } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { charge, commit, type Write } from '../line/commit.ts'

export type FlavorWish = Omit<FlavorRow, 'native' | 'retired' | 'createdAt' | 'extraSpecs'>

const change = (context: Context, action: string, id: string, writes: Write[]): Promise<void> =>
  commit(context, { action, kind: 'flavor', resourceId: id }, writes)

/** A common size: every cloud meets it with the smallest offer that satisfies it. Refused as taken (id or name). */
export const createFlavor = async (context: Context, wish: FlavorWish): Promise<FlavorRow> => {
  const flavor: FlavorRow = { ...wish, native: false, retired: false, extraSpecs: {}, createdAt: context.now() }
  await change(context, 'create', flavor.id, [rows.insertFlavor(context.db, flavor)])
  return flavor
}

/** Changes the description of a flavor, which is all that may change (microversion 2.55). */
export const changeFlavor = (context: Context, { id }: FlavorRow, description: string | null): Promise<void> =>
  change(context, 'update', id, [rows.describeFlavor(context.db, id, description)])

/** Servers carry their own copy of it. */
export const removeFlavor = (context: Context, { id }: FlavorRow): Promise<void> =>
  change(context, 'delete', id, [...rows.deleteFlavor(context.db, id)])

/** Null removes a key. */
export const setExtraSpecs = (
  context: Context,
  { id }: FlavorRow,
  patch: Record<string, string | null>,
): Promise<void> => change(context, 'set_extra_specs', id, [rows.patchExtraSpecs(context.db, id, patch)])

/** Lets a project see a private flavor. Refused as taken if it does already. */
export const grantAccess = (context: Context, { id }: FlavorRow, projectId: string): Promise<void> =>
  change(context, 'grant', id, [rows.insertAccess(context.db, id, projectId)])

/** Hides a private flavor from a project again; servers keep the size they have. */
export const revokeAccess = (context: Context, { id }: FlavorRow, projectId: string): Promise<void> =>
  change(context, 'revoke', id, [rows.deleteAccess(context.db, id, projectId)])

/** The copy of a flavor that a server carries. */
export const flavorSnapshot = (flavor: FlavorRow): FlavorSnapshot => ({
  id: flavor.id,
  name: flavor.name,
  vcpus: flavor.vcpus,
  ramMib: flavor.ramMib,
  diskGib: flavor.diskGib,
  ephemeralGib: flavor.ephemeralGib,
  swapMib: flavor.swapMib,
  extraSpecs: flavor.extraSpecs,
  native: flavor.native,
})

/**
 * The difference between two flavors, as Nova counts it: growing is paid when it is asked for, shrinking given back when
 * it is certain. `charge` is for the way up, `refund` for the way down.
 */
export const chargeFlavor = (
  projectId: string,
  from: FlavorSnapshot,
  to: FlavorSnapshot,
  when: 'charge' | 'refund',
): Write[] => {
  const bound = when === 'charge' ? Math.max : Math.min
  const changes = { cores: bound(0, to.vcpus - from.vcpus), ram: bound(0, to.ramMib - from.ramMib) }
  return Object.entries(changes).flatMap(([resource, amount]) =>
    amount === 0 ? [] : [charge(projectId, resource, amount)],
  )
}
