import { COUNTED } from '../../functions/instruments/counted.ts'
import { FROM_ROWS, type Metric } from '../../functions/instruments/metrics.ts'

const lines = (metrics: Record<string, Metric>): string =>
  Object.entries(metrics)
    .map(
      ([name, { type, labels, help }]) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
    )
    .join('\n')

const HEAD = '| metric | type | labels | means |\n|---|---|---|---|'

/** The page of all metrics, from the table that they are made of. */
export const metricsPage = (): string => `# Metrics

Printed from \`functions/instruments/metrics.ts\` and \`counted.ts\` by \`npm run reference\`; [instruments](instruments.md) says how they are read.
Names end in their unit, which is Prometheus' base unit. Labels are of this program (an operation by its name in [api.md](../api.md), a kind, a
phase, a code of \`adapters/errors.ts\`) or of its operator (the name of a cloud): nothing that a stranger sends becomes one.

## What rows tell

The same on Node and on Workers, and whichever process is asked.

${HEAD}
${lines(FROM_ROWS)}

## What a process counts

On Node alone, from its start on. An isolate of a Worker is one of many and ends within minutes: what it counted would be no truth, so that
Workers have none of these.

${HEAD}
${lines(COUNTED)}

Beside them stand \`process_*\` and \`nodejs_*\` of \`prom-client\`: CPU, memory, open files, the event loop and its collections.
`
