import { type NetworkRow, type NetworkView, networkGone } from '../../../../db/queries/network/network.ts'
import type { PortRow } from '../../../../db/queries/network/ports.ts'
import {
  qosPolicyById,
  qosUnkept,
  somePortsOfNetwork,
  touchPortsOfNetwork,
} from '../../../../db/queries/network/qos-policies.ts'
import type { Context } from '../../../context.ts'
import type { Clouds } from '../../clouds/adapter.ts'
import { whyLacking } from '../../clouds/lacking.ts'
import { guard, makesDue, type Write } from '../../line/commit.ts'
import { conflicting, NetworkRefused } from '../network-refusal.ts'
import { seenQosPolicy } from './policy.ts'
import { isKept, unsupported } from './rule.ts'

/* Which policy a port or a network has (neutron/core_extensions/qos.py). What a cloud does not keep is refused, never forgotten. */

/** How many ports the engine is told of at once; the others are due, and looked after in their turn. */
const TOLD = 100

/** The policy by which a port goes: its own, else that of its network unless it is the network's own; null: none. */
export const qosOf = (
  port: Pick<PortRow, 'qosPolicyId' | 'deviceOwner'>,
  network: Pick<NetworkRow, 'qosPolicyId'>,
): string | null => port.qosPolicyId ?? (port.deviceOwner.startsWith('network:') ? null : network.qosPolicyId)

type User = { kind: 'port' | 'network'; id: string }

/** Refuses what is on, or comes to, a cloud that keeps no policy. */
export const refuseUnshaped = async (among: Clouds, cloudId: string | null, { kind }: User): Promise<void> => {
  const why = await whyLacking(among, cloudId, 'port.bandwidth')
  if (why) throw conflicting(kind === 'port' ? 'QosRuleNotSupported' : 'QosRuleNotSupportedByNetwork', why)
}

/** A policy is given up by those who see it alone. */
const refuseRemoval = async ({ db, scope }: Context, policyId: string): Promise<void> => {
  if (await qosPolicyById(db, scope, policyId)) return
  throw new NetworkRefused({
    kind: 'forbidden',
    type: 'PolicyRemoveAuthorizationError',
    reason: `Failed to remove provided policy ${policyId} because you are not authorized.`,
  })
}

/**
 * The writes beside that of the id, for something that gets a policy in place of another: null is none. Guard `qos-gone`.
 * Throws `NetworkRefused` for a policy that the caller does not see, and for one that is not kept where it is.
 *
 * @param cloudIds where it is; none: nowhere yet
 */
export const planQos = async (
  context: Context,
  among: Clouds,
  user: User,
  { from, to, cloudIds }: { from: string | null; to: string | null; cloudIds: (string | null)[] },
): Promise<Write[]> => {
  if (from === to) return []
  if (from !== null) await refuseRemoval(context, from)
  if (to === null) return []
  const { rules } = await seenQosPolicy(context, to)
  const unkept = rules.find((rule) => !isKept(rule))
  if (unkept) throw unsupported(unkept.type, user)
  for (const cloudId of cloudIds) await refuseUnshaped(among, cloudId, user)
  return [guard(context, 'qos-gone', qosUnkept(context.scope, to))]
}

/** The same for a network that is there: its ports that have none of their own go by it from then on, wherever they are. */
export const planNetworkQos = async (
  context: Context,
  { id, qosPolicyId: from, cloudId, segments }: NetworkView,
  to: string | null,
): Promise<Write[]> => {
  if (from === to) return []
  const { db } = context
  const cloudIds = [...new Set([cloudId, ...segments.map((segment) => segment.cloudId)])]
  return [
    ...(await planQos(context, context, { kind: 'network', id }, { from, to, cloudIds })),
    guard(context, 'network-gone', networkGone(id)),
    makesDue(touchPortsOfNetwork(db, id, context.now()), {
      ...{ kind: 'port', ids: await somePortsOfNetwork(db, id, TOLD), want: 'present' },
    }),
  ]
}
