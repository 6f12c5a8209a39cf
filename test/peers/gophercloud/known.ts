import { type Faults, type Known, knownBy } from '../suites/outcomes.ts'

/** Whom the tests are run as. */
export type As = 'user' | 'admin'

const BOTH: Faults = {
  'It logs in with the keys of EC2 (`ec2tokens`, `s3tokens`), which are kept and log nobody in.': [
    'openstack TestEC2AuthMethod',
    'identity/v3 TestCredentialsValidateS3',
  ],
  'It downloads an image from a public host, which is not reached where the peers are played.': [
    'image/v2 TestImageStage',
    'image/v2 TestCreateImport',
  ],
  'Options of DHCP of a port are not offered.': ['networking/v2 TestPortsWithExtraDHCPOptsCRUD'],
  'No cloud trusts a virtual function, so there is no `port-trusted-vif`.': ['networking/v2 TestPortsTrustedVIFCRUD'],
  'Subnets have no `service_types`.': ['networking/v2 TestSubnetsServiceType'],
  'There are no address groups.': ['networking/v2/extensions TestSecurityAddressGroups'],
  'The embedded cloud has no ephemeral disks.': ['compute/v2 TestBootFromMultiEphemeralServer'],
  'The embedded cloud runs no guests, so there is no screen to show.': ['compute/v2 TestRemoteConsoleCreate'],
}

const OWN: Record<As, Faults> = {
  user: {
    'The policy of the real service leaves it to administrators, too; the test does not say so.': [
      'image/v2 TestTasksListEachPage',
      'image/v2 TestTasksListAllPages',
      'image/v2 TestTaskCreate',
      'networking/v2 TestPortsCRUD',
      'networking/v2/extensions/networkipavailabilities TestNetworkIPAvailabilityList',
      'blockstorage/v3 TestBackupsResetStatus',
      'blockstorage/v3 TestBackupsForceDelete',
      'blockstorage/v3 TestManageableVolumes',
      'blockstorage/v3 TestSnapshotsResetStatus',
      'blockstorage/v3 TestSnapshotsUpdateStatus',
      'blockstorage/v3 TestSnapshotsForceDelete',
      'blockstorage/v3 TestVolumeActionsChangeType',
      'blockstorage/v3 TestVolumeActionsResetStatus',
    ],
  },
  admin: {},
}

/** What is known of a test, as `package Test` names it. */
export const knownAs = (as: As): ((test: string) => Known | undefined) => knownBy(BOTH, OWN[as])
