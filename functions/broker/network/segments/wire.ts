import type { Wire } from '../../../../adapters/contract.ts'
import { adapterFor } from '../../../../adapters/registry.ts'
import { cloudById } from '../../../../db/queries/clouds/clouds.ts'
import type { Terms } from '../../../../db/queries/clouds/policies.ts'
import type { NetworkRow } from '../../../../db/queries/network/network.ts'
import type { SegmentRow } from '../../../../db/queries/network/segments.ts'
import type { SubnetRow } from '../../../../db/queries/network/subnets.ts'
import type { Context } from '../../../context.ts'
import { conflicting, invalidInput, NetworkRefused } from '../network-refusal.ts'
import type { Layout } from './sites.ts'

/* What an operator wired, and administrators make networks on: neutron/plugins/ml2/drivers/type_vlan.py and type_flat.py. */

/** What was asked for, in Neutron's words. */
interface Asked {
  networkType: string
  physicalNetwork: string | null
  segmentationId?: number | null
}

const LOWEST = 1
const HIGHEST = 4094

/** The wire of a cloud with that name; null: its operator names none such. Throws `PolicyNotAuthorized` for who is no administrator. */
export const wireNamed = async ({ db, caller }: Context, cloudId: string, name: string): Promise<Wire | null> => {
  if (!caller?.isAdmin)
    throw new NetworkRefused({
      kind: 'forbidden',
      type: 'PolicyNotAuthorized',
      reason: 'rule:create_network:provider:physical_network is disallowed by policy',
    })
  return wireOn(db, cloudId, name)
}

const wireOn = async (db: Context['db'], cloudId: string, name: string): Promise<Wire | null> => {
  const cloud = await cloudById(db, cloudId)
  const wires = cloud ? (await adapterFor(cloud.type))?.wires?.(cloud.options) : undefined
  return wires?.find((wire) => wire.name === name) ?? null
}

/** The tag that a network is to have on a wire; null: none. Throws `InvalidInput` for what the wire does not carry, or nobody filters. */
export const tagOn = (
  { name, vlans, flat, whyUnfiltered }: Wire,
  { portSecurity }: Pick<NetworkRow, 'portSecurity'>,
  { physicalNetwork, networkType, segmentationId: tag = null }: Asked,
): number | null => {
  if (whyUnfiltered !== null && portSecurity)
    throw invalidInput(
      `port_security_enabled has to be false on ${physicalNetwork}: ${whyUnfiltered.replace(/\.$/, '')}`,
    )
  if (networkType === 'flat') {
    if (tag !== null) throw invalidInput('segmentation_id prohibited for flat provider network')
    if (!flat) throw invalidInput(`physical_network '${physicalNetwork}' unknown for flat provider network`)
    return null
  }
  if (vlans === null) throw invalidInput(`physical_network '${physicalNetwork}' unknown for VLAN provider network`)
  if (tag === null) throw invalidInput('segmentation_id required for VLAN provider network on a wire')
  if (tag < LOWEST || tag > HIGHEST) throw invalidInput(`segmentation_id out of range (${LOWEST} through ${HIGHEST})`)
  const [low, high] = vlans
  if (tag < low || tag > high) throw invalidInput(`wire ${name} carries VLANs ${low} through ${high}`)
  return tag
}

/** Another network lies there. */
export const wireInUse = (
  { segmentationId: tag }: Pick<SegmentRow, 'segmentationId'>,
  { physicalNetwork }: Pick<Asked, 'physicalNetwork'>,
) =>
  tag === null
    ? conflicting(
        'FlatNetworkInUse',
        `Unable to create the flat network. Physical network ${physicalNetwork} is in use.`,
      )
    : conflicting(
        'VlanIdInUse',
        `Unable to create the network. The VLAN ${tag} on physical network ${physicalNetwork} is in use.`,
      )

type Segments = Pick<Layout, 'segments'>

/** Tells which subnets lie on a wire of a cloud: by their segment, and in no segment by those that their network has there. */
export const wiredOn =
  ({ segments }: Segments, cloudId: string | null) =>
  ({ networkId, segmentId }: Pick<SubnetRow, 'networkId' | 'segmentId'>): boolean =>
    segments.some(
      (each) =>
        each.wire !== null &&
        each.networkId === networkId &&
        each.cloudId === cloudId &&
        (segmentId === null || each.id === segmentId),
    )

/** The clouds on whose wires a network lies; each with the name of the wire. */
const wiresOf = ({ segments }: Segments, networkId: string): { cloudId: string; wire: string }[] =>
  segments.flatMap(({ networkId: theirs, cloudId, wire }) =>
    wire !== null && theirs === networkId ? [{ cloudId, wire }] : [],
  )

/** Refuses port security on a network where nothing would come of it: what has no address yet may get it on any of its wires. */
export const refuseUnfilteredWire = async (
  { db }: Pick<Context, 'db'>,
  layout: Segments,
  networkId: string,
): Promise<void> => {
  for (const { cloudId, wire } of wiresOf(layout, networkId)) {
    const why = (await wireOn(db, cloudId, wire))?.whyUnfiltered
    if (why) throw conflicting('PortSecurityAndIPRequiredForSecurityGroups', why)
  }
}

/**
 * Refuses a member who would speak on a wire with addresses that are not a port's own: who is there besides is not the cloud's.
 * Administrators may, and whom the mappings of all clouds that are wired so permit it.
 * @param rule what of Neutron's policy is asked for
 */
export const refuseLooseOnWire = (
  { scope }: Pick<Context, 'scope'>,
  { terms, ...layout }: Segments & { terms: Terms[] },
  { networkId, projectId, rule }: { networkId: string; projectId: string; rule: string },
): void => {
  if ('every' in scope) return
  const isPermitted = (at: string) =>
    terms.some((each) => each.cloudId === at && each.projectId === projectId && each.portSecurityOff)
  if (wiresOf(layout, networkId).every(({ cloudId }) => isPermitted(cloudId))) return
  const reason = `rule:${rule} is disallowed by policy`
  throw new NetworkRefused({ kind: 'forbidden', type: 'PolicyNotAuthorized', reason })
}
