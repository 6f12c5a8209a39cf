import { knownBy } from '../suites/outcomes.ts'

export const knownOf = knownBy({
  'An endpoint group without a description has an empty one, where Keystone has none.': [
    'identity.test_endpoint_group.TestEndpointGroup.test_endpoint_group',
  ],
  'The project is older than the template of its domain, which is what a quota that is deleted goes back to.': [
    'cloud.test_compute.TestComputeQuotas.test_set_quotas',
  ],
  'A snapshot of a group is gone before its cloud has removed the snapshots, and volumes that have some are not deleted.':
    ['block_storage.test_group.TestGroup.test_group_snapshot'],
  'Segments are of kinds that the embedded cloud has; `geneve` is none.': [
    'network.test_segment.TestSegment.test_create_delete',
    'network.test_segment.TestSegment.test_find',
    'network.test_segment.TestSegment.test_get',
    'network.test_segment.TestSegment.test_list',
    'network.test_segment.TestSegment.test_update',
  ],
  'It asks for `ha` of a router where `l3-ha` is not offered.': ['network.test_router.TestRouter.test_list'],
  'It boots on the network `public`, which has no subnet.': [
    'cloud.test_inventory.TestInventory.test_get_host',
    'cloud.test_inventory.TestInventory.test_get_host_no_detail',
  ],
  'The embedded cloud has more flavors than one of the least memory, and of the most.': [
    'cloud.test_compute.TestRangeSearch.test_range_search_max',
    'cloud.test_compute.TestRangeSearch.test_range_search_min',
    'cloud.test_compute.TestRangeSearch.test_range_search_multi_1',
    'cloud.test_compute.TestRangeSearch.test_range_search_multi_4',
  ],
})
