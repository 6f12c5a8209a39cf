import { gauge, type Metric } from './metrics.ts'

const counter = (help: string, ...labels: string[]): Metric => ({ type: 'counter', help, labels })
const seconds = (help: string, buckets: readonly number[], ...labels: string[]): Metric => ({
  type: 'histogram',
  help,
  labels,
  buckets,
})

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

export type CountedMetric = keyof typeof COUNTED
