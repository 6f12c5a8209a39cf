import Registry from 'prom-client/lib/registry.js'
import { FROM_ROWS } from './metrics.ts'
import type { Sample } from './rows.ts'

/** Of the text: Prometheus' own. */
export const CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** What rows tell, in Prometheus' words. A registry that counts nothing itself: all that a Worker needs of the library. */
export const textOf = (samples: Sample[]): Promise<string> => {
  const values = Map.groupBy(samples, ({ name }) => name)
  const registry = new Registry()
  for (const [name, { type, help }] of Object.entries(FROM_ROWS)) {
    const metric = { name, type, help, values: values.get(name as Sample['name']) ?? [] }
    registry.registerMetric({ ...metric, get: async () => metric } as never)
  }
  return registry.metrics()
}
