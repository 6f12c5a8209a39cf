import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchBundle } from './bundle.ts'
import { benchBursts } from './bursts.ts'
import { benchKvm } from './kvm/bench.ts'
import { benchLogins } from './logins.ts'
import { benchMillion } from './million/run.ts'
import { benchMonth, SEED } from './month/run.ts'
import { benchPlaces } from './places.ts'
import { benchProcess } from './process.ts'
import { oneOfEach } from './reads/estate.ts'
import { fillEstate } from './reads/fill.ts'
import { pagesOf } from './reads/routes.ts'
import { benchReads } from './reads/run.ts'
import { benchSweep } from './sweep.ts'
import { Table } from './table.ts'
import { benchVsphere } from './vsphere/bench.ts'
import { benchWorker } from './worker.ts'
import { openWorld } from './world.ts'
import { benchWrites } from './writes.ts'

const [part = 'all', ...more] = process.argv.slice(2)
const PARTS = [
  'all',
  'reads',
  'writes',
  'logins',
  'worker',
  'process',
  'bundle',
  'places',
  'sweep',
  'vsphere',
  'kvm',
  'million',
  'month',
  'bursts',
]
if (!PARTS.includes(part)) {
  console.error(
    `npm run bench -- [${PARTS.join(' | ')}]; after reads or worker a part of the method and path of those that are meant`,
  )
  process.exit(2)
}
// `npm run bench -- million [COUNT] [PART]`: whether anything grows with what is stored.
if (part === 'million') process.exit((await benchMillion(Number(more[0] ?? 1_000_000), more[1])) ? 1 : 0)
const has = (name: string) => part === 'all' || part === name

// `npm run bench -- month [SEED]`: what a drawn month costs over three clouds, by several ways to choose them.
if (part === 'month') {
  benchMonth(Number(more[0] ?? SEED))
  process.exit(0)
}
// `npm run bench -- sweep`: the sweep of large estates alone.
if (part === 'sweep') process.exit((await benchSweep()) ? 1 : 0)
// `npm run bench -- vsphere`: a vCenter, which is vcsim; needs Go, or python3 to fetch it.
if (part === 'vsphere') process.exit((await benchVsphere()) ? 1 : 0)

// `npm run bench -- kvm`: a KVM host, whose libvirtd is Debian's; needs root.
if (part === 'kvm') process.exit((await benchKvm()) ? 1 : 0)

// `npm run bench -- bursts [COUNT]`: a burst of so many members, admitted, converged and drained.
if (part === 'bursts') process.exit((await benchBursts(Number(more[0] ?? 1_000))) ? 1 : 0)

/** As many of everything as a page has items. */
const COUNT = 1_000

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const table = new Table()
if (has('reads') || has('writes') || has('logins') || has('worker')) {
  const world = await openWorld(folder)
  const estate = await oneOfEach(world)
  fillEstate(folder, estate, COUNT)
  if (has('reads')) table.targets(await benchReads(world, folder, estate, more[0]))
  if (has('writes')) await benchWrites(world, estate, table)
  if (has('logins')) await benchLogins(folder, estate, table)
  if (has('worker')) await benchWorker(world, folder, await pagesOf(world, estate, more[0]), table)
}
if (has('process')) await benchProcess(folder, table)
if (has('bundle')) benchBundle(folder, table)
if (has('places')) benchPlaces(table)
table.print()
process.exit(table.failed() ? 1 : 0)
