import { adapterFor } from '../../adapters/registry.ts'
import { cloudById } from '../../db/queries/clouds.ts'
import type { Context } from '../context.ts'
import { conflicting } from './network-error.ts'

/** Why nothing is filtered on a cloud; null: it keeps to security groups. */
export const whyUnfiltered = async ({ db }: Context, cloudId: string | null): Promise<string | null> => {
  const cloud = cloudId === null ? null : await cloudById(db, cloudId)
  return (cloud && (await adapterFor(cloud.type))?.lacks.security_group) ?? null
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
  const why = await whyUnfiltered(context, cloudId)
  if (why !== null) throw conflicting('PortSecurityAndIPRequiredForSecurityGroups', why)
}
