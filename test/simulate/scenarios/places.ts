import { sql } from 'drizzle-orm'
import { allClouds } from '../../../db/queries/clouds/clouds.ts'
import { refreshInventory } from '../../../functions/broker/clouds/inventory.ts'
import { converge } from '../../../functions/broker/converge/converge.ts'
import { Stage } from '../stage.ts'
import type { Scenario } from './props.ts'

const size = (name: string, vcpus: number, price?: number) => ({
  name,
  vcpus,
  ram_mib: vcpus * 1024,
  disk_gib: 20,
  ...(price === undefined ? {} : { price }),
})

/** A cloud that sells these sizes, by the books of the broker too. */
const selling = async (stage: Stage, sizes: ReturnType<typeof size>[], faults: Parameters<Stage['open']>[1] = []) => {
  await stage.open({ profile: 'token', sizes }, faults)
  for (const cloud of await allClouds(stage.context(0).db)) await refreshInventory(stage.context(0), cloud)
}

/** The sizes that a server was asked for as, one after another. */
const askedAs = async (stage: Stage, id: string): Promise<string[]> => {
  const attempts = await stage.world.d1
    .prepare('select attempts from server_placements where server_id = ?')
    .bind(id)
    .first<string>('attempts')
  return (JSON.parse(attempts!) as { size: string }[]).map((each) => each.size)
}

/** A network with a segment and a subnet on each of the two clouds; the ids of the subnets. */
const routedNetwork = async (stage: Stage): Promise<{ id: string; subnets: string[] }> => {
  const segments = ['sandbox.a', 'other.a'].map((physical) => ({
    'provider:network_type': 'flat',
    'provider:physical_network': physical,
  }))
  const made = await stage.send(0, 'POST', '/network/v2.0/networks', { network: { name: 'only-routed', segments } })
  const { id } = made.network
  const listed = await stage.send(0, 'GET', `/network/v2.0/segments?network_id=${id}`)
  const subnets: string[] = []
  for (const [i, segment] of listed.segments.entries()) {
    const subnet = { network_id: id, ip_version: 4, cidr: `10.70.${i}.0/24`, segment_id: segment.id }
    subnets.push((await stage.send(0, 'POST', '/network/v2.0/subnets', { subnet })).subnet.id)
  }
  return { id, subnets }
}

/** With this a move begins: what public addresses lead to the ports of the server. */
const MOVES = /^select "port_id" from "floating_ips"/
/** So many steps after it a process is killed: the move itself, letting go here, and the first that is made there. */
const STEPS_OF_MOVE = 60

/** Where a server is sent, and where it is not sent again. */
export const places: Record<string, Scenario> = {
  /** The cloud has none of the smallest size, and says so to the first of two servers. */
  async 'refused a moment ago'(stage) {
    const none = { method: 'server.create', fault: 'capacity' as const, size: 'small' }
    await selling(stage, [size('small', 1, 0.01), size('large', 2, 0.02)], [none])
    const first = await stage.newServer()
    await stage.settle()
    const second = await stage.newServer()
    await stage.settle()
    stage.expect((await askedAs(stage, first)).includes('small'), 'the first asks for what is cheapest')
    stage.expect((await askedAs(stage, second)).join() === 'large', 'the second asks for what was refused a moment ago')
    stage.expect((await stage.live('server')).length === 2, 'both servers are there')
    return stage.judge()
  },

  /** Both are admitted to the cheapest size before its cloud says to the first that it has none. */
  async 'refused while another was on its way'(stage) {
    const none = { method: 'server.create', fault: 'capacity' as const, size: 'small' }
    await selling(stage, [size('small', 1, 0.01), size('large', 2, 0.02)], [none])
    const asked: string[] = []
    stage.scheduler.listener = { asks: (_, __, spec) => asked.push(spec.size.native), refused: () => {} }
    const [first, second] = [await stage.newServer(), await stage.newServer()]
    for (const resourceId of [first, first, second])
      await converge(stage.context(0), { kind: 'server', resourceId, cloudId: stage.world.cloudId, scope: '' })
    await stage.settle()
    const smalls = asked.filter((name) => name === 'small').length
    stage.expect(smalls === 2, `${smalls} ask two zones for what those refused to the first`)
    stage.expect((await stage.live('server')).length === 2, 'both servers are there')
    return stage.judge()
  },

  /** The cloud has some of the smallest size again, and the time for which it was left alone is over. */
  async 'asked again after its time'(stage) {
    const none = { method: 'server.create', fault: 'capacity' as const, size: 'small', count: 2 }
    await selling(stage, [size('small', 1, 0.01), size('large', 2, 0.02)], [none])
    await stage.newServer()
    await stage.settle()
    await stage.minutes(4)
    const later = await stage.newServer()
    await stage.settle()
    stage.expect((await askedAs(stage, later)).join() === 'small', 'what was refused once is never asked for again')
    return stage.judge()
  },

  /** Of two sizes one has no price: nobody knows what it would cost. */
  async 'a size without a price'(stage) {
    await selling(stage, [size('unpriced', 1), size('priced', 2, 0.02)])
    const id = await stage.newServer()
    await stage.settle()
    stage.expect((await askedAs(stage, id)).join() === 'priced', 'what is unpriced is taken for cheap')
    return stage.judge()
  },

  /**
   * The first cloud has no room, so a server goes on to the segment on the other. Its process is killed at each of the steps
   * that follow the refusal, until all that the move wrote is on its way, and another goes on.
   */
  async 'on to another segment'({ world }) {
    for (let dieAt = 1; dieAt <= STEPS_OF_MOVE; dieAt++) {
      const stage = new Stage(world)
      const full = { method: 'server.create', fault: 'capacity' as const }
      await stage.open({ profile: 'token' }, [full], true)
      // One size: it goes on at the first refusal.
      const smallest = sql`(select name from offers order by vcpus, ram_mib limit 1)`
      await stage.context(0).db.run(sql`delete from offers where name <> ${smallest}`)
      const { id: network, subnets } = await routedNetwork(stage)
      const server = { name: 'only-one', flavorRef: '1', imageRef: stage.world.image, networks: [{ uuid: network }] }
      const { id } = (await stage.send(0, 'POST', '/compute/v2.1/servers', { server })).server
      const before = await portOf(stage, id)
      stage.expect(before.subnet === subnets[0], 'it begins on the first cloud')
      await stage.settleKilled(MOVES, dieAt)
      const after = await portOf(stage, id)
      stage.expect(
        after.id === before.id && after.subnet === subnets[1],
        `killed at ${dieAt}: the port is not where its server is`,
      )
      const found = await stage.judge()
      if (found.length) return found
    }
    return []
  },
}

/** The one port of a server, and the subnet of its one address. */
const portOf = async (stage: Stage, serverId: string): Promise<{ id: string; subnet: string }> => {
  const { ports } = await stage.send(1, 'GET', `/network/v2.0/ports?device_id=${serverId}`)
  return { id: ports[0]?.id, subnet: ports[0]?.fixed_ips[0]?.subnet_id }
}
