import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Measured } from './sweep-run.ts'
import { printColumns } from './table.ts'

const SIZES: [instances: number, clouds: number][] = [
  [10_000, 50],
  [30_000, 50],
  [100_000, 50],
  // All that one account may show at once.
  [20_000, 1],
]
const HEADS = [
  ...['instances', 'clouds', 'sweep ms', 'cpu ms', 'µs each', 'statements'],
  ...['unit: cpu ms', 'statements', 'live MB', 'heap MB', 'changed/written'],
]
/** Half of what a Worker has. */
const HEAP_MB = 64

/** The sweep of large estates: `npm run bench -- sweep`. Prints a table and, last, one line of JSON; gives what was missed. */
export const benchSweep = async (): Promise<number> => {
  const all: Measured[] = []
  for (const [instances, clouds] of SIZES) all.push(await measure(instances, clouds))
  print(all)
  const estates = all.filter(({ clouds }) => clouds > 1)
  const costs = estates.map(({ quiet, instances }) => (quiet.cpuMs * 1000) / instances)
  const rows = ({ changed }: Measured) => changed.written.bindings ?? 0
  const targets: [what: string, met: boolean, value: string][] = [
    [
      `heap of a unit < ${HEAP_MB} MB`,
      all.every(({ unit }) => unit.liveMb < HEAP_MB),
      all.map(({ unit }) => unit.liveMb.toFixed(1)).join(', '),
    ],
    [
      'binding rows written = rows changed',
      all.every((each) => rows(each) === each.instances / 100 && each.changed.changed === each.instances / 100),
      all.map(rows).join(', '),
    ],
    [
      'a quiet sweep writes no binding',
      all.every(({ quiet, again }) => !quiet.written.bindings && !again.written.bindings),
      '0',
    ],
    [
      'statements of a unit do not grow with its size',
      new Set(estates.map(({ unit }) => unit.statements)).size === 1,
      estates.map(({ unit }) => unit.statements).join(', '),
    ],
    [
      'the cost of an instance does not grow with their number',
      costs.at(-1)! <= costs[0]! * 1.25,
      `${costs.map((cost) => cost.toFixed(1)).join(', ')} µs`,
    ],
  ]
  console.log()
  for (const [what, met, value] of targets) console.log(`${met ? 'met   ' : 'MISSED'}  ${what}: ${value}`)
  console.log(JSON.stringify({ sweep: all, targets: targets.map(([what, met, value]) => ({ what, met, value })) }))
  return targets.filter(([, met]) => !met).length
}

/** A process of its own, so that no size inherits the heap of another. */
const measure = async (instances: number, clouds: number): Promise<Measured> => {
  const script = fileURLToPath(new URL('./sweep-run.ts', import.meta.url))
  const execArgv = ['--expose-gc', '--disable-warning=ExperimentalWarning']
  const child = fork(script, [String(instances), String(clouds)], { execArgv })
  const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the sweep ended with ${code}`)))
  const [measured] = (await Promise.race([once(child, 'message'), failed])) as [Measured]
  failed.catch(() => {})
  return measured
}

const print = (all: Measured[]): void => {
  const rows = all.map(({ instances, clouds, quiet, unit, changed }) => [
    String(instances),
    String(clouds),
    quiet.ms.toFixed(0),
    quiet.cpuMs.toFixed(0),
    ((quiet.cpuMs * 1000) / instances).toFixed(1),
    String(quiet.statements),
    unit.cpuMs.toFixed(1),
    String(unit.statements),
    unit.liveMb.toFixed(1),
    unit.heapMb.toFixed(1),
    `${changed.changed}/${changed.written.bindings ?? 0}`,
  ])
  printColumns([HEADS, ...rows])
}
