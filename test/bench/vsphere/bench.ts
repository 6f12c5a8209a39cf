import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { printColumns } from '../table.ts'
import type { Measured } from './run.ts'
import { callsOf, type Traffic } from './wire.ts'

const MACHINES = Number(process.env.BENCH_MACHINES ?? 5_000)
const SWEEPS = Number(process.env.BENCH_ROUNDS ?? 5)
const CREATES = 20
/** Half of what a Worker has. */
const HEAP_MB = 64

/** A vCenter of 5,000 machines, swept, and servers made there: `npm run bench -- vsphere`. Gives what was missed. */
export const benchVsphere = async (): Promise<number> => {
  const script = fileURLToPath(new URL('./run.ts', import.meta.url))
  const execArgv = ['--expose-gc', '--disable-warning=ExperimentalWarning']
  const child = fork(script, [MACHINES, SWEEPS, CREATES].map(String), { execArgv })
  const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the bench ended with ${code}`)))
  const [measured] = (await Promise.race([once(child, 'message'), failed])) as [Measured]
  failed.catch(() => {})
  printSweeps(measured)
  printCreates(measured)
  const targets = targetsOf(measured)
  console.log()
  for (const [what, met, value] of targets) console.log(`${met ? 'met   ' : 'MISSED'}  ${what}: ${value}`)
  console.log(JSON.stringify({ ...measured, targets: targets.map(([what, met, value]) => ({ what, met, value })) }))
  return targets.filter(([, met]) => !met).length
}

const mb = (bytes: number) => (bytes / 1e6).toFixed(1)
const seconds = (ms: number) => (ms / 1000).toFixed(2)
const cells = (traffic: Traffic) => [
  String(callsOf(traffic)),
  seconds(traffic.ms),
  seconds(traffic.cpuMs),
  mb(traffic.received),
  (traffic.sent / 1e3).toFixed(0),
]

const printSweeps = ({ ours, sweeps }: Measured): void => {
  const { bare, servers, ratio, account, kinds, machines } = sweeps
  const written = Object.entries(account.written).map(([table, rows]) => `${rows} ${table}`)
  printColumns([
    [`${machines} machines, ${ours} ours`, 'calls', 's', 'cpu s', 'MB in', 'kB out', 'ratio'],
    ['bare RetrievePropertiesEx, unread', ...cells(bare), '1.00'],
    ['server.list, all pages', ...cells(servers), ratio.toFixed(2)],
    ...kinds.map(({ kind, traffic, listed }) => [`  ${kind}: ${listed}`, ...cells(traffic), '']),
    ['the account, swept by the broker', ...cells(account), (account.ms / bare.ms).toFixed(2)],
  ])
  console.log(
    `  ${account.statements} statements, ${account.stored} of the clouds' state; rows written: ${written.join(', ') || 'none'}; ` +
      `heap ${account.heapMb.toFixed(0)} MB, live ${account.liveMb.toFixed(1)} MB\n`,
  )
}

const printCreates = ({ creates: { rounds, bare, broker, addedMs, ratio } }: Measured): void => {
  printColumns([
    [`a server, median of ${rounds}`, 'calls', 'ms', 'ratio'],
    ['bare CloneVM_Task until it is done', String(bare.calls), bare.ms.toFixed(0), '1.00'],
    ['POST /servers answered', '', broker.answered.toFixed(0), ''],
    ['  CloneVM_Task asked for', '', broker.asked.toFixed(0), ''],
    ['  ACTIVE', String(broker.calls), broker.active.toFixed(0), ratio.toFixed(2)],
    ['added by the broker', '', addedMs.toFixed(0), ''],
  ])
  const methods = Object.entries(broker.methods).map(([method, calls]) => `${calls} ${method}`)
  console.log(`  ${methods.join(', ')}; cpu ${broker.cpuMs.toFixed(0)} ms`)
}

const targetsOf = ({ ours, sweeps, creates }: Measured): [what: string, met: boolean, value: string][] => {
  const { bare, servers, account, ratio, machines } = sweeps
  return [
    [
      'the servers of an account ≤ 1.25 times the bytes of the bare answer',
      servers.received <= 1.25 * bare.received,
      (servers.received / bare.received).toFixed(2),
    ],
    ['the servers of an account ≤ 3 times the time of the bare answer', ratio <= 3, ratio.toFixed(2)],
    [
      'an account ≤ 2 times the bytes of the bare answer',
      account.received <= 2 * bare.received,
      (account.received / bare.received).toFixed(2),
    ],
    [
      'no machine is asked for by itself: calls < 30 + machines / 100',
      callsOf(account) < 30 + machines / 100,
      String(callsOf(account)),
    ],
    [
      'no port costs a statement: statements < 30 + ours / 100',
      account.statements + account.stored < 30 + ours / 100,
      String(account.statements + account.stored),
    ],
    ['a quiet sweep writes no binding', !account.written.bindings, String(account.written.bindings ?? 0)],
    [`heap of an account < ${HEAP_MB} MB`, account.liveMb < HEAP_MB, account.liveMb.toFixed(1)],
    ['a create adds less than a second to the clone', creates.addedMs < 1000, `${creates.addedMs.toFixed(0)} ms`],
  ]
}
