import { setTimeout as pause } from 'node:timers/promises'
import type { Broker } from '../broker.ts'
import { median } from '../load.ts'
import type { Bare } from './bare.ts'
import { callsOf, type Traffic, type Wire } from './wire.ts'

/** How often it is asked whether a server is there, in milliseconds. */
const LOOK_MS = 5
const WARM_UP = 2

/** Milliseconds from the request on: medians. */
export interface Creates {
  rounds: number
  bare: { ms: number; calls: number }
  broker: {
    /** When POST /servers had its answer, when vCenter was asked for the clone, and when the server was ACTIVE. */
    answered: number
    asked: number
    active: number
    cpuMs: number
    calls: number
    methods: Record<string, number>
  }
  /** What the broker adds, round by round, and how many times the bare clone that is in all. */
  addedMs: number
  ratio: number
}

interface Made extends Traffic {
  answered: number
  asked: number
}

/** Servers made in turns: by CloneVM_Task alone, and by the broker with a port of their own. */
export const measureCreates = async (
  broker: Broker,
  wire: Wire,
  bare: Bare,
  where: { template: string; folder: string; pool: string },
  rounds: number,
): Promise<Creates> => {
  const wish = await prepare(broker)
  const [alone, brokered] = [[] as Traffic[], [] as Made[]]
  for (let round = -WARM_UP; round < rounds; round++) {
    const clone = await wire.of(() => bare.clone(where.template, { ...where, name: `bare-${round + WARM_UP}` }))
    const made = await create(broker, wire, wish)
    if (round === -WARM_UP) await broker.host.d1.prepare('update quotas set maximum = -1').run()
    if (round < 0) continue
    alone.push(clone)
    brokered.push(made)
  }
  const of = <T>(all: T[], value: (each: T) => number) => median(all.map(value))
  const usual = brokered.find((each) => callsOf(each) === of(brokered, callsOf))!
  return {
    rounds,
    bare: { ms: of(alone, ({ ms }) => ms), calls: of(alone, callsOf) },
    broker: {
      answered: of(brokered, ({ answered }) => answered),
      asked: of(brokered, ({ asked }) => asked),
      active: of(brokered, ({ ms }) => ms),
      cpuMs: of(brokered, ({ cpuMs }) => cpuMs),
      calls: callsOf(usual),
      methods: usual.calls,
    },
    addedMs: median(brokered.map(({ ms }, round) => ms - alone[round]!.ms)),
    ratio: median(brokered.map(({ ms }, round) => ms / alone[round]!.ms)),
  }
}

/** A network with its subnet, and what to ask for. */
const prepare = async ({ demo }: Broker): Promise<Record<string, unknown>> => {
  const { network } = await demo.must('POST', '/network/v2.0/networks', { network: { name: 'bench' } })
  const subnet = { network_id: network.id, cidr: '10.8.0.0/16', ip_version: 4 }
  await demo.must('POST', '/network/v2.0/subnets', { subnet })
  const { images } = await demo.must('GET', '/image/v2/images')
  const image = images.find(({ name }: { name: string }) => name === 'debian-12')
  return {
    name: 'bench',
    flavorRef: '2',
    imageRef: image.id,
    networks: [{ uuid: network.id }],
    availability_zone: 'vcenter.DC0_C0',
  }
}

const create = async ({ demo }: Broker, wire: Wire, wish: Record<string, unknown>): Promise<Made> => {
  const started = performance.now()
  let answered = 0
  const traffic = await wire.of(async () => {
    const { server } = await demo.must('POST', '/compute/v2.1/servers', { server: wish })
    answered = performance.now() - started
    for (const until = Date.now() + 60_000; Date.now() < until; await pause(LOOK_MS)) {
      const { status, fault } = (await demo.must('GET', `/compute/v2.1/servers/${server.id}`)).server
      if (status === 'ACTIVE') return
      if (status === 'ERROR') throw new Error(`the server failed: ${JSON.stringify(fault)}`)
    }
    throw new Error('the server does not become ACTIVE')
  })
  // What the create still does behind the answer counts as its own, but not its time.
  const asked = (wire.askedAt.get('CloneVM_Task') ?? Number.NaN) - started
  return { ...traffic, answered, asked }
}
