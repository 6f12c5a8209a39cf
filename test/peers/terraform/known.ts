import { type Faults, type Known, knownBy } from '../suites/outcomes.ts'

/** Whom the tests are run as. */
export type As = 'user' | 'admin'

const OWN: Record<As, Faults> = {
  user: {
    'There are no trunks.': [
      'TestAccNetworkingV2TrunkDataSource_nosubports',
      'TestAccNetworkingV2TrunkDataSource_subports',
      'TestAccNetworkingV2TrunkDataSource_tags',
      'TestAccNetworkingV2Trunk_Instance',
      'TestAccNetworkingV2Trunk_nosubports',
      'TestAccNetworkingV2Trunk_subports',
      'TestAccNetworkingV2Trunk_tags',
    ],
    'There is no orchestration.': [
      'TestAccOrchestrationStackV1_importBasic',
      'TestAccOrchestrationV1Stack_basic',
      'TestAccOrchestrationV1Stack_outputs',
      'TestAccOrchestrationV1Stack_tags',
      'TestAccOrchestrationV1Stack_timeout',
      'TestAccOrchestrationV1Stack_update',
    ],
    'The broker itself is to fetch from a public host, and does not ask the proxy that stands for it.': [
      'TestAccImagesImageV2_webdownload',
    ],
    'A flavor of the embedded cloud answers to its query, too.': ['TestAccComputeV2FlavorDataSource_testQueries'],
    'The embedded cloud has no ephemeral disks.': ['TestAccComputeV2Instance_multiEphemeral'],
  },
  admin: {
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
    'A way out of a router has no policy of quality of its own (`qos-gateway-ip`).': [
      'TestAccNetworkingV2Router_extQoSPolicy',
    ],
    'It asks for the one hypervisor of no name, and zones are several.': [
      'TestAccComputeInstanceV2_hypervisorHostname',
    ],
  },
}

export const knownAs = (as: As): ((test: string) => Known | undefined) => knownBy(OWN[as])
