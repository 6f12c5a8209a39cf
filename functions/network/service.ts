import { dialects } from '../http/dialects.ts'
import type { Service } from '../http/service.ts'
import { addressScopeOperations } from './address-scopes.ts'
import { availabilityZoneOperations } from './availability-zones.ts'
import { extensionOperations } from './extensions.ts'
import { floatingIpOperations } from './floating-ips.ts'
import { heedingRevisions } from './if-match.ts'
import { ipAvailabilityOperations } from './ip-availabilities.ts'
import { networkOperations } from './networks.ts'
import { pluginOperations } from './plugins.ts'
import { portOperations } from './ports.ts'
import { qosPolicyOperations } from './qos/policies.ts'
import { qosRuleTypeOperations } from './qos/rule-types.ts'
import { qosRuleOperations } from './qos/rules.ts'
import { quotaOperations } from './quotas.ts'
import { rbacOperations } from './rbac-policies.ts'
import { refuse, withDenial } from './refusals.ts'
import { routerOperations } from './routers.ts'
import { addressGroupOperations } from './security/address-groups.ts'
import { defaultRuleOperations } from './security/default-rules.ts'
import { securityGroupRuleOperations } from './security/security-group-rules.ts'
import { securityGroupOperations } from './security/security-groups.ts'
import { segmentOperations } from './segments.ts'
import { subnetPoolOperations } from './subnet-pools.ts'
import { subnetOperations } from './subnets.ts'
import { tagOperations } from './tags.ts'
import { versionOperations } from './versions.ts'

/** Neutron's Networking API v2.0. Its catalogue URL has no version: clients append it themselves. */
export const network: Service = {
  types: ['network'],
  name: 'neutron',
  prefix: '/network',
  endpoint: '/network',
  dialect: dialects.network,
  operations: [
    ...versionOperations,
    ...networkOperations,
    ...segmentOperations,
    ...subnetOperations,
    ...portOperations,
    ...routerOperations,
    ...securityGroupOperations,
    ...securityGroupRuleOperations,
    ...defaultRuleOperations,
    ...floatingIpOperations,
    ...tagOperations,
    ...quotaOperations,
    ...extensionOperations,
    ...availabilityZoneOperations,
    ...ipAvailabilityOperations,
    ...subnetPoolOperations,
    ...addressGroupOperations,
    ...addressScopeOperations,
    ...qosPolicyOperations,
    ...qosRuleOperations,
    ...qosRuleTypeOperations,
    ...rbacOperations,
    ...pluginOperations,
  ]
    .map(heedingRevisions)
    .map(withDenial),
  refuse,
}
