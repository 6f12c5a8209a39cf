import { parseArgs } from 'node:util'
import { attack } from './attack/index.ts'
import { aws } from './aws/index.ts'
import { chaos } from './chaos/index.ts'
import { mixed } from './mixed/index.ts'
import { adoptOnMoto } from './moto/adopt.peer.ts'
import { sandbox } from './sandbox/index.ts'
import { span } from './span/index.ts'
import { Report } from './support/report.ts'
import { tempest } from './tempest/index.ts'
import { vsphere } from './vsphere/index.ts'

// Options are the peer's own.
const { positionals: names, values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    cloud: { type: 'string' },
    requests: { type: 'string' },
  },
  allowPositionals: true,
})

/** Every real peer, by the name that `npm run peers -- NAME` takes. Each counts its steps into the report. */
const peers: Record<string, (report: Report) => Promise<void>> = {
  sandbox,
  aws,
  adopt: adoptOnMoto,
  chaos,
  vsphere,
  mixed,
  span,
  // Whole by its name; among the others a part of it, another one each day.
  attack: (report) =>
    attack(
      report,
      Number(values.requests ?? (names.length ? 50_000 : 20_000)),
      Number(values.seed ?? Math.floor(Date.now() / 86_400_000)),
    ),
  // By name on every cloud, which takes long; among the others on the embedded one.
  tempest: (report) => tempest(report, names.length ? values.cloud : 'sandbox'),
}

const unknown = names.filter((name) => !Object.hasOwn(peers, name))
if (unknown.length) {
  console.error(`There is no peer ${unknown.join(', ')}; there are ${Object.keys(peers).join(', ')}.`)
  process.exit(2)
}
const report = new Report()
for (const [name, run] of Object.entries(peers)) {
  if (names.length && !names.includes(name)) continue
  const started = Date.now()
  await run(report).catch((error) =>
    report.step(name, 'the peer starts', 'failed', Date.now() - started, String(error)),
  )
}
report.print()
process.exit(report.count('failed') || !report.count('passed') ? 1 : 0)
