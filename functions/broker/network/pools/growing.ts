import type { NetworkRow } from '../../../../db/queries/network/network.ts'
import { type NetworkPlanRow, networkPlanOf } from '../../../../db/queries/network/network-plans.ts'
import type { Context } from '../../../context.ts'

/** Whether a network is to get a segment wherever a server of it goes, as it says or its project's plan does. */
export const isToGrow = (
  { grows, external }: Pick<NetworkRow, 'grows' | 'external'>,
  plan: Pick<NetworkPlanRow, 'routed'> | null,
): boolean => !external && (grows ?? plan?.routed ?? false)

/** The same of a network of which the plan was not read yet. */
export const comesToGrow = async ({ db }: Context, network: NetworkRow): Promise<boolean> =>
  isToGrow(network, network.grows === null ? await networkPlanOf(db, network.projectId) : null)
