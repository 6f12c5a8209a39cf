import { type Faults, type Known, knownBy } from '../suites/outcomes.ts'

/** Whom the tests are run as. */
export type As = 'user' | 'admin'

const OWN: Record<As, Faults> = {
  user: {
    'There are no trunks.': [
      'TestAccNetworkingV2TrunkDataSource_nosubports',
      'TestAccNetworkingV2TrunkDataSource_subports',
      'TestAccNetworkingV2TrunkDataSource_tags',
    ],
    'Options of DHCP of a port are not offered.': [
      'TestAccNetworkingV2Port_createExtraDHCPOpts',
      'TestAccNetworkingV2Port_importDHCPOpts',
      'TestAccNetworkingV2Port_updateExtraDHCPOpts',
    ],
    'Subnets have no `service_types`.': ['TestAccNetworkingV2Subnet_ServiceTypes'],
    'There is no orchestration.': ['TestAccOrchestrationStackV1_importBasic'],
    'The embedded cloud has no ephemeral disks.': ['TestAccComputeV2Instance_multiEphemeral'],
  },
  admin: {
    'There is no quality of service.': [
      'TestAccNetworkingV2Network_qos_policy_create',
      'TestAccNetworkingV2Network_qos_policy_update',
      'TestAccNetworkingV2Port_qos_policy_create',
      'TestAccNetworkingV2Port_qos_policy_update',
      'TestAccNetworkingV2QoSBandwidthLimitRuleDataSource_basic',
      'TestAccNetworkingV2QoSBandwidthLimitRule_basic',
      'TestAccNetworkingV2QoSBandwidthLimitRule_importBasic',
      'TestAccNetworkingV2QoSDSCPMarkingRuleDataSource_basic',
      'TestAccNetworkingV2QoSDSCPMarkingRule_basic',
      'TestAccNetworkingV2QoSDSCPMarkingRule_importBasic',
      'TestAccNetworkingV2QoSMinimumBandwidthRuleDataSource_basic',
      'TestAccNetworkingV2QoSMinimumBandwidthRule_basic',
      'TestAccNetworkingV2QoSPolicyBasic',
      'TestAccNetworkingV2QoSPolicyDataSource_basic',
      'TestAccNetworkingV2QoSPolicyDataSource_description',
      'TestAccNetworkingV2QoSPolicyImportBasic',
      'TestAccNetworkingV2Router_extQoSPolicy',
    ],
    'Segments are of kinds that the embedded cloud has; `geneve` is none.': [
      'TestAccNetworkingV2Network_importSegments',
      'TestAccNetworkingV2Segment_basic',
      'TestAccNetworkingV2Segment_importBasic',
      'TestAccOpenStackNetworkingSegmentV2DataSource_basic',
    ],
    'Volumes have no quotas by type.': [
      'TestAccBlockStorageQuotasetV3_basic',
      'TestAccBlockStorageV3QuotasetDataSource',
    ],
    'Limits are kept for services of an operator’s own, and it takes one of the broker’s.': [
      'TestAccIdentityV3Limit_basic',
      'TestAccIdentityV3Limit_importBasic',
      'TestAccIdentityV3RegisteredLimit_basic',
      'TestAccIdentityV3RegisteredLimit_importBasic',
    ],
    'A cloud connects a disk to a server itself, and nobody else by a connector.': [
      'TestAccBlockStorageVolumeAttachV3_basic',
      'TestAccBlockStorageVolumeAttachV3_timeout',
    ],
    'It asks for the one hypervisor of no name, and zones are several.': [
      'TestAccComputeInstanceV2_hypervisorHostname',
    ],
    'Options of DHCP of a port are not offered.': [
      'TestAccNetworkingV2Port_portBinding_create',
      'TestAccNetworkingV2Port_portBinding_update',
    ],
  },
}

export const knownAs = (as: As): ((test: string) => Known | undefined) => knownBy(OWN[as])
