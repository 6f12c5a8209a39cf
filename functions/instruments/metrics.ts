/** One line of what can be scraped. */
export interface Metric {
  type: 'gauge' | 'counter' | 'histogram'
  help: string
  labels: readonly string[]
  /** Upper bounds, in the unit of the metric. */
  buckets?: readonly number[]
}

const gauge = (help: string, ...labels: string[]): Metric => ({ type: 'gauge', help, labels })
const counter = (help: string, ...labels: string[]): Metric => ({ type: 'counter', help, labels })
const seconds = (help: string, buckets: readonly number[], ...labels: string[]): Metric => ({
  type: 'histogram',
  help,
  labels,
  buckets,
})

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

const OF_REQUESTS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
const OF_CALLS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]
const OF_LOOPS = [0.01, 0.1, 0.5, 1, 5, 10, 25, 60]
const OF_STATEMENTS = [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]

/** What one process counts from its start on: on Node alone, as an isolate of a Worker is one of many and is gone in minutes. */
export const COUNTED = {
  plimsoll_http_requests_total: counter(
    'Requests that were answered. What is no operation, as pages, probes and what is not there, is `none`.',
    'service',
    'operation',
    'status',
  ),
  plimsoll_http_request_duration_seconds: seconds(
    'From when a request came until its answer began.',
    OF_REQUESTS,
    'service',
    'operation',
  ),
  plimsoll_converge_steps_total: counter(
    'Steps of the engine, by the phase in which they began and how they ended.',
    'kind',
    'phase',
    'outcome',
  ),
  plimsoll_converge_step_duration_seconds: seconds('How long steps took.', OF_CALLS, 'kind'),
  plimsoll_cloud_calls_total: counter(
    'Calls to clouds, as their contract names them; `code` is `ok` or that of the error.',
    'cloud',
    'method',
    'code',
  ),
  plimsoll_cloud_call_duration_seconds: seconds('How long calls took.', OF_CALLS, 'cloud', 'method'),
  plimsoll_loop_turns_total: counter('Turns of loops, and how they ended.', 'loop', 'outcome'),
  plimsoll_loop_duration_seconds: seconds('How long turns took.', OF_LOOPS, 'loop'),
  plimsoll_database_statement_duration_seconds: seconds(
    'How long statements took: single ones that read or write, and batches with all that is in them.',
    OF_STATEMENTS,
    'what',
  ),
  plimsoll_deferred_work: gauge(
    'Pieces of work that answers left behind: under way, and waiting for their turn.',
    'state',
  ),
} satisfies Record<string, Metric>

export type RowMetric = keyof typeof FROM_ROWS
export type CountedMetric = keyof typeof COUNTED
