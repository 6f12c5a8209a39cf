/** One line of what can be scraped. */
export interface Metric {
  type: 'gauge' | 'counter' | 'histogram'
  help: string
  labels: readonly string[]
  /** Upper bounds, in the unit of the metric. */
  buckets?: readonly number[]
}

/** One whose value goes up and down. */
export const gauge = (help: string, ...labels: string[]): Metric => ({ type: 'gauge', help, labels })

/**
 * What rows tell: the same whichever process is asked, on both runtimes. Names are in base units, as Prometheus wants them; labels
 * are of this program or of its operator, and nothing that a stranger sends is one.
 */
export const FROM_ROWS = {
  plimsoll_info: gauge('Which deployment this is, and what it runs on; always 1.', 'deployment', 'runtime'),
  plimsoll_healthy: gauge('1 while the database can be written and the process goes on.'),
  plimsoll_clock_behind_seconds: gauge(
    'How far the clock is behind what was written last: more than 0 after it was set back.',
  ),
  plimsoll_database_size_bytes: gauge('Size of the database.'),
  plimsoll_due_items: gauge('Pieces of work whose time has come, 1000 at most.', 'queue'),
  plimsoll_due_oldest_age_seconds: gauge('For how long the oldest of them has been due; 0 where none is.', 'queue'),
  plimsoll_loop_overdue_seconds: gauge(
    'For how long a loop has waited for its turn, however seldom it has one.',
    'loop',
  ),
  plimsoll_bindings_under_way: gauge('Bindings with work left, by how far they are; 1000 at most in all.', 'phase'),
  plimsoll_bindings_failed: gauge('Bindings that came to nothing; 1000 at most in all.', 'cloud'),
  plimsoll_cloud_enabled: gauge('1 while a cloud is in use.', 'cloud', 'type'),
  plimsoll_cloud_breaker_open: gauge('1 while a cloud is left alone because it does not answer.', 'cloud'),
  plimsoll_cloud_failures: gauge('Calls in a row without a clear answer.', 'cloud'),
  plimsoll_cloud_seen_age_seconds: gauge('How long ago a cloud answered last.', 'cloud'),
  plimsoll_cloud_inventory_age_seconds: gauge('How long ago its zones, sizes and images were read.', 'cloud'),
  plimsoll_cloud_credentials_lost: gauge('1 while the credentials of a cloud open with no key.', 'cloud'),
  plimsoll_cloud_room_vcpus: gauge('vCPUs that a cloud has, where somebody says.', 'cloud'),
  plimsoll_cloud_taken_vcpus: gauge('vCPUs that are held there, whoever holds them.', 'cloud'),
  plimsoll_cloud_room_memory_bytes: gauge('Memory that a cloud has, where somebody says.', 'cloud'),
  plimsoll_cloud_taken_memory_bytes: gauge('Memory that is held there, whoever holds it.', 'cloud'),
  plimsoll_cloud_load_ratio: gauge('The larger of both shares that are taken, 0 to 1.', 'cloud'),
  plimsoll_cloud_mark_ratio: gauge(
    'The share up to which a cloud takes servers of projects whose policy says nothing.',
    'cloud',
  ),
  plimsoll_cloud_cost_per_hour: gauge(
    'What an hour of all that is there costs now, in the currency.',
    'cloud',
    'currency',
  ),
  plimsoll_sweep_units: gauge('Accounts and kinds of things of a cloud that are swept.', 'cloud'),
  plimsoll_sweep_failed_units: gauge('Of so many the last sweep failed.', 'cloud'),
  plimsoll_sweep_age_seconds: gauge('How long ago the one that was swept longest ago was.', 'cloud'),
  plimsoll_sweep_overdue_seconds: gauge('For how long the one that waits longest has been due.', 'cloud'),
  plimsoll_sweep_duration_seconds: gauge('How long the longest of the last sweeps took.', 'cloud'),
  plimsoll_sweep_orphans: gauge('Objects with our mark that nothing accounts for, as last seen.', 'cloud'),
  plimsoll_sweep_missing: gauge('Objects that the last listings did not show.', 'cloud'),
} satisfies Record<string, Metric>

export type RowMetric = keyof typeof FROM_ROWS
