import type { Operation } from '../../http/operation.ts'
import { floatingIpOperations } from './floating-ips.ts'
import { goneOperations } from './gone.ts'
import { groupsOfServerOperations } from './groups-of-server.ts'
import { networkOperations } from './networks.ts'
import { securityGroupRuleOperations } from './security-group-rules.ts'
import { securityGroupOperations } from './security-groups.ts'
import { snapshotOperations } from './snapshots.ts'
import { volumeOperations } from './volumes.ts'

/**
 * What Nova once did for other services, to its last microversion 2.35: the same rows that those services show, in the
 * shapes of before. What Nova has taken away since is 410, as there.
 */
export const proxyOperations: Operation[] = [
  ...securityGroupOperations,
  ...securityGroupRuleOperations,
  ...groupsOfServerOperations,
  ...floatingIpOperations,
  ...networkOperations,
  ...volumeOperations,
  ...snapshotOperations,
  ...goneOperations,
]
