import type { Clouds } from '../clouds/adapter.ts'
import { whyLacking } from '../clouds/lacking.ts'
import { conflicting } from './network-refusal.ts'

/**
 * Refuses port security and security groups where the cloud of the network would not keep to them. Nobody is let believe
 * that traffic is filtered which is not.
 */
export const refuseUnfiltered = async (
  among: Clouds,
  cloudId: string | null,
  wish: { portSecurity?: boolean | undefined; securityGroupIds?: string[] | null | undefined },
): Promise<void> => {
  if (!wish.portSecurity && !wish.securityGroupIds?.length) return
  const why = await whyLacking(among, cloudId, 'security_group')
  if (why !== null) throw conflicting('PortSecurityAndIPRequiredForSecurityGroups', why)
}
