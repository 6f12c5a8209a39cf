import type { CloudName } from './clouds.ts'

/** Tests that are known not to pass on a cloud, and why. A class's name stands for all of its tests. */
export interface Known {
  test: string
  result: 'failed' | 'skipped'
  why: string
}

const CREATED = 'tempest.api.compute.servers.test_create_server.ServersTestJSON'
const guestless = [
  `${CREATED}.test_host_name_is_same_as_server_name`,
  `${CREATED}.test_verify_created_server_vcpus`,
].map((test): Known => ({ test, result: 'skipped', why: 'It logs in to a server, and this cloud runs no guests.' }))

const everywhere: Known[] = [
  {
    test: 'tempest.api.image.v2.test_images.ListUserImagesTest',
    result: 'skipped',
    why: 'It uploads random bytes as images of every format; data has to be of its image’s format (415).',
  },
]

const VOLUMES = 'tempest.api.volume.test_volumes_get.VolumesGetTest.test_volume_create_get_update_delete'
const OUTSIDE = [
  'tempest.api.network.admin.test_routers.RoutersAdminTest.test_update_router_unset_gateway',
  'tempest.api.network.test_networks.NetworksTest.test_external_network_visibility',
  'tempest.api.network.test_routers.RoutersTest.test_create_show_list_update_delete_router',
]
const unrouted = (why: string) => OUTSIDE.map((test): Known => ({ test, result: 'skipped', why }))

const KNOWN: Record<CloudName, Known[]> = {
  sandbox: [...everywhere, ...guestless],
  aws: [
    ...everywhere,
    ...guestless,
    {
      test: 'tempest.api.compute.servers.test_server_actions.ServerActionsTestJSON.test_rebuild_server',
      result: 'failed',
      why: 'The simulator has no CreateReplaceRootVolumeTask.',
    },
    { test: `${VOLUMES}_as_clone`, result: 'skipped', why: 'EC2 copies volumes by way of a snapshot only.' },
  ],
  vsphere: [
    ...everywhere,
    ...guestless,
    ...unrouted('Without NSX there is no network that leads outside.'),
    { test: `${VOLUMES}_as_clone`, result: 'skipped', why: 'The adapter makes no volume of a volume.' },
    {
      test: 'tempest.api.volume.test_volumes_actions.VolumesActionsTest.test_volume_upload',
      result: 'failed',
      why: 'The adapter makes no image of a volume.',
    },
  ],
  libvirt: [
    ...everywhere,
    ...unrouted('KVM hosts route no public addresses, so there is no network that leads outside.'),
  ],
}

export const knownOn = (cloud: CloudName): readonly Known[] => KNOWN[cloud]

export const knownOf = (cloud: CloudName, test: string): Known | undefined =>
  KNOWN[cloud].find((each) => test === each.test || test.startsWith(`${each.test}.`))
