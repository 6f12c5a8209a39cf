import { parseArgs } from 'node:util'
import { attack } from './attack/index.ts'
import { aws } from './aws/index.ts'
import { burst } from './burst/index.ts'
import { bursts } from './burst/jobs.ts'
import { chaos } from './chaos/index.ts'
import { commands } from './commands/index.ts'
import { consolePages } from './console/index.ts'
import { differential } from './differential/index.ts'
import { federation } from './federation/index.ts'
import { gophercloud } from './gophercloud/index.ts'
import { horizon } from './horizon/index.ts'
import { libvirt } from './libvirt/index.ts'
import { metrics } from './metrics/index.ts'
import { mixed } from './mixed/index.ts'
import { adoptOnMoto } from './moto/adopt.peer.ts'
import { notices } from './notices/index.ts'
import { onward } from './onward/index.ts'
import { runners } from './runners/index.ts'
import { sandbox } from './sandbox/index.ts'
import { schemathesis } from './schemathesis/index.ts'
import { sdk } from './sdk/index.ts'
import { skyline } from './skyline/index.ts'
import { slurm } from './slurm/index.ts'
import { HOMES, type HomeKind } from './span/ground.ts'
import { span } from './span/index.ts'
import { spot } from './spot/index.ts'
import { inLanes } from './support/lanes.ts'
import { Report } from './support/report.ts'
import { tempest } from './tempest/index.ts'
import { acceptance } from './terraform/acceptance.ts'
import { terraform } from './terraform/index.ts'
import { traces } from './traces/index.ts'
import { vsphere } from './vsphere/index.ts'

// Options are the peer's own.
const { positionals: names, values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    cloud: { type: 'string' },
    home: { type: 'string' },
    part: { type: 'string' },
    only: { type: 'string' },
    list: { type: 'string' },
    requests: { type: 'string' },
    within: { type: 'string' },
  },
  allowPositionals: true,
})

const home = (values.home ?? 'vsphere') as HomeKind
if (!Object.hasOwn(HOMES, home)) {
  console.error(`There is no home ${home}; there are ${Object.keys(HOMES).join(', ')}.`)
  process.exit(2)
}

/** Peers that are played side by side: most of them wait for a clock most of the time. */
const LANES = 2

/** What is too long for every run goes by turns, another part each day. */
const today = Math.floor(Date.now() / 86_400_000)
/** Peers that are played on some days alone unless they are named, and whether this is one. */
const TURNS: Record<string, boolean> = {
  federation: today % 3 === 2,
  terraform: today % 3 === 1,
  commands: today % 5 === 0,
  skyline: today % 5 === 1,
  gophercloud: today % 5 === 2,
  horizon: today % 5 === 3,
  sdk: today % 5 === 4,
}
const plays = (name: string): boolean => names.length > 0 || TURNS[name] === true

/** Every real peer, by the name that `npm run peers -- NAME` takes. Each counts its steps into the report. */
const peers: Record<string, (report: Report) => Promise<void>> = {
  sandbox,
  aws,
  adopt: adoptOnMoto,
  chaos,
  vsphere,
  // Whole by its name, or one of its parts by that; among the others its long parts take turns.
  libvirt: (report) => libvirt(report, names.length ? null : today, names[0] === 'libvirt' ? values.part : undefined),
  mixed,
  // By its name, and every third day: it waits for a token to be over.
  federation: (report) =>
    plays('federation')
      ? federation(report)
      : Promise.resolve(report.step('federation', 'a day of its turn', 'skipped', 0, 'it is played every third day')),
  notices,
  metrics,
  // On both runtimes by its name; among the others on one of them, the other one the next day.
  traces: (report) => traces(report, names.length ? null : today),
  // On both runtimes by its name; among the others on one of them, the other one the next day. `--part pictures` puts its pictures into the documentation, `--only` plays steps by their titles.
  console: (report) => {
    const only = values.only ? new RegExp(values.only) : undefined
    return consolePages(report, values.part === 'pictures', names.length ? null : today, only)
  },
  runners: (report) => runners(report, today),
  // Whole by its name; among the others half of the renting programs.
  span: (report) => span(report, names.length ? null : today, home),
  burst: (report) => burst(report, names.length ? null : today, home),
  bursts,
  // Long by its name and once a week; else a handful of nodes.
  slurm: (report) => slurm(report, names.length || today % 7 === 0 ? null : today),
  // By its name and twice a week with a wait of minutes.
  onward: (report) => onward(report, names.length > 0 || today % 3 === 0),
  spot,
  // By its name, and every third day, when `onward` does not wait: a machine that has not built the provider needs minutes.
  terraform: async (report) => {
    if (names.length && values.part?.startsWith('acceptance')) {
      const who = values.part.split('-')[1]
      if (who && who !== 'user' && who !== 'admin') throw new Error('acceptance is by user or admin')
      await acceptance(report, who as 'user' | 'admin' | undefined, values.only ? new RegExp(values.only) : undefined)
    } else if (plays('terraform')) await terraform(report, names.length ? null : today)
    else report.step('terraform', 'a day of its turn', 'skipped', 0, 'it is played every third day')
  },
  // Whole by their names; among the others every fifth day a part, as the one or the other.
  gophercloud: (report) =>
    plays('gophercloud')
      ? gophercloud(
          report,
          names.length ? null : Math.floor(today / 5),
          values.part,
          values.only ? new RegExp(values.only) : undefined,
        )
      : Promise.resolve(report.step('gophercloud', 'a day of its turn', 'skipped', 0, 'it is played every fifth day')),
  commands: (report) =>
    plays('commands')
      ? commands(report, names.length ? null : Math.floor(today / 5), values.part)
      : Promise.resolve(report.step('commands', 'a day of its turn', 'skipped', 0, 'it is played every fifth day')),
  sdk: (report) =>
    plays('sdk')
      ? sdk(report, names.length ? null : Math.floor(today / 5), values.part)
      : Promise.resolve(report.step('sdk', 'a day of its turn', 'skipped', 0, 'it is played every fifth day')),
  // Whole by its name; among the others every fifth day as a member or as an administrator.
  horizon: (report) =>
    plays('horizon')
      ? horizon(report, names.length ? null : Math.floor(today / 5), values.part)
      : Promise.resolve(report.step('horizon', 'a day of its turn', 'skipped', 0, 'it is played every fifth day')),
  skyline: (report) =>
    plays('skyline')
      ? skyline(report, names.length ? null : Math.floor(today / 5), values.part)
      : Promise.resolve(report.step('skyline', 'a day of its turn', 'skipped', 0, 'it is played every fifth day')),
  // By its name alone: it sets up six services of others and records what they answer.
  differential: (report) =>
    names.length
      ? differential(report, values.part)
      : Promise.resolve(
          report.step('differential', 'by its name', 'skipped', 0, 'what it recorded is compared by the tests'),
        ),
  // Whole by its name, or one service by `--part`; among the others a service as a member or an administrator, another one each day.
  schemathesis: (report) => schemathesis(report, names.length ? null : today, values.part),
  // Whole by its name; among the others a part of it, another one each day.
  attack: (report) =>
    attack(report, Number(values.requests ?? (names.length ? 50_000 : 20_000)), Number(values.seed ?? today)),
  // By name on every cloud, which takes long; among the others on the embedded one.
  tempest: (report) =>
    tempest(
      report,
      names.length ? values.cloud : 'sandbox',
      names.length > 0,
      values.part?.split(','),
      names.length ? values.list : undefined,
    ),
}

const unknown = names.filter((name) => !Object.hasOwn(peers, name))
if (unknown.length) {
  console.error(`There is no peer ${unknown.join(', ')}; there are ${Object.keys(peers).join(', ')}.`)
  process.exit(2)
}
const report = new Report()
const asked = Object.keys(peers).filter((name) => !names.length || names.includes(name))
// Without names each day begins with another one, so that what the time of one day does not reach is played on the next.
const first = names.length ? 0 : today % asked.length
const turned = [...asked.slice(first), ...asked.slice(0, first)]
// Whose turn comes once in days goes first: what is not reached has none again on the next.
const order = [...turned.filter((name) => TURNS[name]), ...turned.filter((name) => !TURNS[name])]
const began = Date.now()
await inLanes(names.length ? 1 : LANES, order, async (name) => {
  const started = Date.now()
  if (values.within && started - began > Number(values.within) * 1_000)
    return report.step(
      name,
      'the time of this run',
      'skipped',
      0,
      `${values.within} s are over; another day begins with it`,
    )
  await peers[name]!(report).catch((error) =>
    report.step(name, 'the peer starts', 'failed', Date.now() - started, String(error)),
  )
  console.log(`${name} took ${((Date.now() - started) / 1_000).toFixed(0)} s`)
})
report.print()
process.exit(report.count('failed') || !report.count('passed') ? 1 : 0)
