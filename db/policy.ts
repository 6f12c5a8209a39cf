import type { Policy } from './schema/index.ts'

/** What holds for a project of which nobody said anything. */
export const NO_POLICY: Policy = {
  chain: null,
  zones: 'all',
  zone_name: 'burst',
  min_filters: 'enforced',
  marks: {},
  hysteresis: 0.05,
  spill: 'allowed',
  spill_cap: null,
  never_spill: { tags: [], metadata: {} },
  regions: [],
  spot: 'never',
  max_hourly_cost: null,
  budget: null,
  lease: null,
  hints: true,
}

/** What holds for a project: what was said of it, else of all, key by key. */
export const mergedPolicy = (ofAll: Partial<Policy> | null, ofProject: Partial<Policy> | null): Policy => ({
  ...NO_POLICY,
  ...ofAll,
  ...ofProject,
})
