import type { Capability } from '../../adapters/contract.ts'
import { adapterFor } from '../../adapters/registry.ts'
import { cloudById } from '../../db/queries/clouds.ts'
import type { Context } from '../context.ts'
import { conflicting } from './network-error.ts'

/** Why a cloud cannot, in its adapter's sentence; null: it can, or there is no cloud yet. */
export const whyLacking = async (
  { db }: Context,
  cloudId: string | null,
  capability: Capability,
): Promise<string | null> => {
  const cloud = cloudId === null ? null : await cloudById(db, cloudId)
  return (cloud && (await adapterFor(cloud.type))?.lacks[capability]) ?? null
}

/**
 * Refuses port security and security groups where the cloud of the network would not keep to them. Nobody is let believe
 * that traffic is filtered which is not.
 */
export const refuseUnfiltered = async (
  context: Context,
  cloudId: string | null,
  wish: { portSecurity?: boolean | undefined; securityGroupIds?: string[] | null | undefined },
): Promise<void> => {
  if (!wish.portSecurity && !wish.securityGroupIds?.length) return
  const why = await whyLacking(context, cloudId, 'security_group')
  if (why !== null) throw conflicting('PortSecurityAndIPRequiredForSecurityGroups', why)
}
