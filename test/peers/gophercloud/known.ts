import { type Faults, type Known, knownBy } from '../suites/outcomes.ts'

/** Whom the tests are run as. */
export type As = 'user' | 'admin'

const BOTH: Faults = {
  'The embedded cloud has no ephemeral disks.': ['compute/v2 TestBootFromMultiEphemeralServer'],
}

/** Its own CI plays all of it as an administrator (`script/stackenv`), and so no test needs to say that it is for one. */
const OWN: Record<As, Faults> = {
  user: {
    'Keystone tells services and administrators alone what keys of EC2 stand for (`ec2tokens`, `s3tokens`).': [
      'openstack TestEC2AuthMethod',
      'identity/v3 TestCredentialsValidateS3',
    ],
    'Glance leaves tasks to administrators (`tasks_api_access`).': [
      'image/v2 TestTasksListEachPage',
      'image/v2 TestTasksListAllPages',
      'image/v2 TestTaskCreate',
    ],
    'Neutron leaves it to administrators or managers (`update_port:mac_address`, `create_policy` and its rules).': [
      'networking/v2 TestPortsCRUD',
      'networking/v2/extensions/qos/policies TestPoliciesCRUD',
      'networking/v2/extensions/qos/policies TestPoliciesRevision',
      'networking/v2/extensions/qos/rules TestBandwidthLimitRulesCRUD',
      'networking/v2/extensions/qos/rules TestDSCPMarkingRulesCRUD',
      'networking/v2/extensions/qos/rules TestMinimumBandwidthRulesCRUD',
    ],
    'Neutron leaves it to administrators (`update_port:trusted`, `get_network_ip_availability`, and one type of rules by its name, as `get_rule_type` of its QoS plugin has it).':
      [
        'networking/v2 TestPortsTrustedVIFCRUD',
        'networking/v2/extensions/networkipavailabilities TestNetworkIPAvailabilityList',
        'networking/v2/extensions/qos/ruletypes TestRuleTypes',
      ],
    'Cinder leaves it to administrators (`backup_admin_actions`, `snapshot_admin_actions`, `volume_admin_actions:reset_status`, `volume_type_create`, `list_manageable`).':
      [
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
  admin: {
    'No cloud trusts a virtual function, so there is no `port-trusted-vif`.': ['networking/v2 TestPortsTrustedVIFCRUD'],
    'Limits are kept for services of an operator’s own, and it takes one of the broker’s.': [
      'identity/v3 TestLimitsCRUD',
      'identity/v3 TestRegisteredLimitsCRUD',
    ],
    'Segments are of kinds that the embedded cloud has; `geneve` is none.': [
      'networking/v2/extensions/segments TestSegmentCRUD',
    ],
    'Volumes are taken over by the names that their cloud has for them, and not by those of Cinder’s LVM driver.': [
      'blockstorage/v3 TestManageableVolumes',
    ],
    'It asks for an address of a subnet more, and expects the answer not to say which.': [
      'networking/v2/extensions/layer3 TestLayer3ExternalRouterCreateDelete',
    ],
    'Volumes have no quotas by type.': ['blockstorage/v3 TestQuotasetUpdate'],
    'A volume is in one server at a time: no pool answers to a type that says `multiattach`.': [
      'blockstorage/v3 TestVolumesMultiAttach',
    ],
    'Its host is in a zone by another aggregate, and a host is in one zone (Nova’s own rule).': [
      'compute/v2 TestAggregatesAddRemoveHost',
    ],
    'The embedded cloud runs no guests, so there is nothing to count.': ['compute/v2 TestDiagnostics'],
    'A hypervisor is a zone of a cloud, which tells no uptime.': ['compute/v2 TestHypervisorsGetUptime'],
    'Clouds move machines between their hosts by themselves.': ['compute/v2 TestMigrate'],
    'It looks for a process `nova-scheduler`, and there is none.': [
      'compute/v2 TestServicesList',
      'compute/v2 TestServicesListWithOpts',
    ],
  },
}

/** What is known of a test, as `package Test` names it. */
export const knownAs = (as: As): ((test: string) => Known | undefined) => knownBy(BOTH, OWN[as])
