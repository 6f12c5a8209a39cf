import type { Cloud, Kind, Realm } from '../../../adapters/contract.ts'
import { KINDS } from '../../../adapters/contract.ts'
import { PATHS } from '../../../adapters/vsphere/records/machine.ts'
import { connectCloud } from '../../../functions/broker/clouds/clouds.ts'
import { reconcile, type SweepReport } from '../../../functions/broker/reconcile/reconcile.ts'
import type { Broker } from '../broker.ts'
import { median } from '../load.ts'
import type { Cost } from '../sweep-meter.ts'
import type { Bare } from './bare.ts'
import { bind } from './estate.ts'
import type { Traffic, Wire } from './wire.ts'

/** More than a minute: every unit is due again. */
const A_MINUTE = 61_000

export interface Sweeps {
  machines: number
  /** One request for the same properties of all machines, whose answer nobody reads; then the servers by the adapter. */
  bare: Traffic
  servers: Traffic
  /** Of the adapter's time to the bare request's, round by round. */
  ratio: number
  /** The whole account by the broker. */
  account: Traffic & Pick<Cost, 'statements' | 'written' | 'heapMb' | 'liveMb'> & { stored: number }
  kinds: { kind: Kind; listed: number; known: number; pages: number; traffic: Traffic }[]
}

export const measureSweeps = async (
  broker: Broker,
  wire: Wire,
  bare: Bare,
  folder: string,
  ours: number,
  rounds: number,
): Promise<Sweeps> => {
  const { context, cloudId, demo } = broker
  const { cloud } = await connectCloud(context, cloudId, demo.projectId)
  await bind(broker, cloud)
  // The rows of the units.
  await sweepOnce(broker, ours)
  const [alone, servers] = [[] as Traffic[], [] as Traffic[]]
  let machines = 0
  for (let round = 0; round < rounds; round++) {
    alone.push(await wire.of(() => bare.retrieve(folder, PATHS)))
    servers.push(
      await wire.of(async () => {
        machines = (await list(cloud, 'server')).items
      }),
    )
  }
  const kinds: Sweeps['kinds'] = []
  for (const kind of KINDS.filter((kind) => cloud[kind])) {
    let shown = { items: 0, pages: 0 }
    const traffic = await wire.of(async () => {
      shown = await list(cloud, kind)
    })
    kinds.push({ kind, listed: shown.items, known: 0, pages: shown.pages, traffic })
  }
  const accounts: Sweeps['account'][] = []
  for (let round = 0; round < rounds; round++) accounts.push(await account(broker, wire, ours))
  const { liveMb } = await account(broker, wire, ours, true)
  return {
    machines,
    bare: typical(alone),
    servers: typical(servers),
    ratio: median(servers.map(({ ms }, round) => ms / alone[round]!.ms)),
    account: { ...typical(accounts), liveMb },
    kinds,
  }
}

/** Every unit of the account at one go, as Node's cron does it; of its cost and what it said. */
const account = async (broker: Broker, wire: Wire, ours: number, exact = false): Promise<Sweeps['account']> => {
  const { meter, store } = broker
  let traffic: Traffic | undefined
  let cost: Cost | undefined
  wire.heard = () => meter.look()
  const stored = await store.of(async () => {
    cost = await meter.of(async () => {
      traffic = await wire.of(() => sweepOnce(broker, ours))
    }, exact)
  })
  wire.heard = () => {}
  const { statements, written, heapMb, liveMb } = cost!
  return { ...traffic!, statements, written, heapMb, liveMb, stored: stored.statements }
}

const sweepOnce = async (broker: Broker, ours: number): Promise<void> => {
  broker.later(A_MINUTE)
  const reports = await reconcile(broker.context, Number.POSITIVE_INFINITY)
  const of = (kind: Kind) => reports.find((report) => report.kind === kind)
  const quiet = (report: SweepReport) =>
    !report.error && report.complete && !report.changed && !report.missing && !report.orphans
  if (!reports.every(quiet) || of('server')?.known !== ours || of('port')?.known !== ours)
    throw new Error(`not a quiet sweep of ${ours} servers: ${JSON.stringify(reports)}`)
}

const list = async (cloud: Cloud, kind: Kind): Promise<{ items: number; pages: number }> => {
  let [items, pages] = [0, 0]
  let cursor: string | undefined
  do {
    const page = await (cloud[kind] as Realm<unknown>).list(cursor)
    items += page.items.length
    pages++
    cursor = page.next
  } while (cursor !== undefined)
  return { items, pages }
}

/** The one that took the median time. */
const typical = <T extends { ms: number }>(all: T[]): T => {
  const middle = median(all.map(({ ms }) => ms))
  return all.find(({ ms }) => ms === middle)!
}
