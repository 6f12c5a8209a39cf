import { eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { clouds, networks, ports, serverPorts, subnets } from '../../schema/index.ts'

/** What a config drive tells of a server's network cards, in the order in which its guest sees them, and of their subnets. */
export const cardsOfServer = async (db: Database, serverId: string) => {
  const ofServer = sql`select p.network_id from server_ports s join ports p on p.id = s.port_id where s.server_id = ${serverId}`
  const [cards, nets] = await db.batch([
    db
      .select({
        id: ports.id,
        mac: ports.macAddress,
        networkId: ports.networkId,
        fixedIps: ports.fixedIps,
        mtu: networks.mtu,
      })
      .from(serverPorts)
      .innerJoin(ports, eq(ports.id, serverPorts.portId))
      .innerJoin(networks, eq(networks.id, ports.networkId))
      .where(eq(serverPorts.serverId, serverId))
      .orderBy(serverPorts.position),
    db.select().from(subnets).where(sql`${subnets.networkId} in (${ofServer})`),
  ])
  return { cards, subnets: nets }
}
export type Cards = Awaited<ReturnType<typeof cardsOfServer>>

/** The name of a cloud. */
export const cloudName = async (db: Database, id: string): Promise<string> =>
  (await db.select({ name: clouds.name }).from(clouds).where(eq(clouds.id, id)))[0]?.name ?? ''
