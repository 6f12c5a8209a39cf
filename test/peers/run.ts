import { parseArgs } from 'node:util'
import { aws } from './aws/index.ts'
import { chaos } from './chaos/index.ts'
import { adoptOnMoto } from './moto/adopt.peer.ts'
import { sandbox } from './sandbox/index.ts'
import { Report } from './support/report.ts'
import { vsphere } from './vsphere/index.ts'

/** Every real peer, by the name that `npm run peers -- NAME` takes. Each counts its steps into the report. */
const peers: Record<string, (report: Report) => Promise<void>> = { sandbox, aws, adopt: adoptOnMoto, chaos, vsphere }

/** They need more of a machine than Python (a Go toolchain), so they run by name alone. */
const byName = ['vsphere']

// Options are the peer's own.
const { positionals: names } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' } },
  allowPositionals: true,
})
const unknown = names.filter((name) => !Object.hasOwn(peers, name))
if (unknown.length) {
  console.error(`There is no peer ${unknown.join(', ')}; there are ${Object.keys(peers).join(', ')}.`)
  process.exit(2)
}
const report = new Report()
for (const [name, run] of Object.entries(peers)) {
  if (names.length ? !names.includes(name) : byName.includes(name)) continue
  const started = Date.now()
  await run(report).catch((error) =>
    report.step(name, 'the peer starts', 'failed', Date.now() - started, String(error)),
  )
}
report.print()
process.exit(report.count('failed') || !report.count('passed') ? 1 : 0)
