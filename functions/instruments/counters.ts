import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { asCloudError, CloudError } from '../../adapters/errors.ts'
import { Refused } from '../broker/line/refused.ts'
import { COUNTED, type CountedMetric } from './counted.ts'
import type { Metric } from './metrics.ts'
import type { Instruments } from './told.ts'

/** What a process counts, and the instruments by which it hears of it. */
interface Counters {
  instruments: Required<Pick<Instruments, 'request' | 'call' | 'step' | 'loop'>>
  /** A statement was answered: what sort of one, and how long it took, in milliseconds. */
  statement(what: 'read' | 'write' | 'batch', ms: number): void
  /** All of it, as Prometheus reads it. */
  text(): Promise<string>
}

/** @param background how many pieces of deferred work are under way, and wait */
export const openCounters = (background: () => { running: number; waiting: number }): Counters => {
  const registers = [new Registry()]
  collectDefaultMetrics({ register: registers[0]! })
  // Gauges that are called as counters are, each of which says what another says by type.
  for (const name of UNFIT) registers[0]!.removeSingleMetric(name)
  const made = (name: CountedMetric) => {
    const { help, labels, buckets }: Metric = COUNTED[name]
    return { name, help, labelNames: [...labels], registers, ...(buckets ? { buckets: [...buckets] } : {}) }
  }
  const counter = (name: CountedMetric) => new Counter(made(name))
  const histogram = (name: CountedMetric) => new Histogram(made(name))

  const requests = counter('plimsoll_http_requests_total')
  const requestTimes = histogram('plimsoll_http_request_duration_seconds')
  const steps = counter('plimsoll_converge_steps_total')
  const stepTimes = histogram('plimsoll_converge_step_duration_seconds')
  const calls = counter('plimsoll_cloud_calls_total')
  const callTimes = histogram('plimsoll_cloud_call_duration_seconds')
  const turns = counter('plimsoll_loop_turns_total')
  const turnTimes = histogram('plimsoll_loop_duration_seconds')
  const statementTimes = histogram('plimsoll_database_statement_duration_seconds')
  new Gauge({
    ...made('plimsoll_deferred_work'),
    collect() {
      const { running, waiting } = background()
      this.set({ state: 'running' }, running)
      this.set({ state: 'waiting' }, waiting)
    },
  })
  // So that what never happened is 0 and not absent: rates begin with the first of it.
  for (const what of ['read', 'write', 'batch']) statementTimes.zero({ what })

  return {
    instruments: {
      request: async (arrival, answer) => {
        const began = performance.now()
        const response = await answer()
        const { to } = arrival
        const labels = to ? { service: to.service.split('/')[1]!, operation: to.operation } : NONE
        requests.inc({ ...labels, status: response.status })
        requestTimes.observe(labels, (performance.now() - began) / 1000)
        return response
      },
      call: ({ cloud, method }, work) =>
        timed(work, (seconds, error) => {
          calls.inc({ cloud: cloud.name, method, code: error === undefined ? 'ok' : asCloudError(error).code })
          callTimes.observe({ cloud: cloud.name, method }, seconds)
        }),
      step: ({ kind, phase }, work) =>
        timed(work, (seconds, error) => {
          steps.inc({ kind, phase, outcome: outcomeOf(error) })
          stepTimes.observe({ kind }, seconds)
        }),
      loop: (loop, work) =>
        timed(work, (seconds, error) => {
          turns.inc({ loop, outcome: error === undefined ? 'ok' : 'failed' })
          turnTimes.observe({ loop }, seconds)
        }),
    },
    statement: (what, ms) => statementTimes.observe({ what }, ms / 1000),
    text: () => registers[0]!.metrics(),
  }
}

const UNFIT = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

const NONE = { service: 'none', operation: 'none' }

/** A step that lost its fence, or that the database refused, says nothing of a cloud. */
const outcomeOf = (error: unknown): string => {
  if (error === undefined) return 'ok'
  if (error instanceof CloudError) return error.code
  return error instanceof Refused ? 'refused' : 'error'
}

/** Runs a piece of work, and tells how long it took and what it threw; undefined: nothing. */
const timed = async <T>(work: () => Promise<T>, tell: (seconds: number, error: unknown) => void): Promise<T> => {
  const began = performance.now()
  const since = () => (performance.now() - began) / 1000
  try {
    const answer = await work()
    tell(since(), undefined)
    return answer
  } catch (error) {
    tell(since(), error ?? 'nothing was said')
    throw error
  }
}
