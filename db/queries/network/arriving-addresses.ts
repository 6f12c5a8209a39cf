import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { type Filters, ipAllocations, type ports } from '../../schema/index.ts'

/*
 * A port of a server that comes home has an address there before the server is there: taken like any other, and not the port's
 * until then. What holds it is no port: `<port>/arriving`.
 */
const arriving = (portId: string): string => `${portId}/arriving`

type Addresses = (typeof ports.$inferSelect)['fixedIps']

/** Statement: addresses are taken for a port that has others. The primary key refuses one that somebody has. */
export const holdAddresses = (db: Database, portId: string, fixedIps: Addresses) =>
  db.insert(ipAllocations).values(
    fixedIps.map(({ subnet_id, ip_address }) => ({
      subnetId: subnet_id,
      address: ip_address,
      portId: arriving(portId),
    })),
  )

/** Statement: they are its own from now on. What it had before is left in the same batch (`leaveAddresses`). */
export const takeHeld = (db: Database, portId: string) =>
  db.run(sql`update ip_allocations set port_id = ${portId} where port_id = ${arriving(portId)}`)

/** Statements: they are given up, and stay taken until the cloud has let go of the port there. */
export const leaveHeld = (db: Database, portId: string) =>
  [
    db.run(sql`insert or ignore into lingering_addresses (subnet_id, address, port_id)
      select subnet_id, address, ${portId} from ip_allocations where port_id = ${arriving(portId)}`),
    db.run(sql`delete from ip_allocations where port_id = ${arriving(portId)}`),
  ] as const

/** What a port has on the cloud on which its server is not, or not any more. */
export interface Beside {
  fixedIps: Addresses
  filters: Filters | null
}

/**
 * What a port has on a cloud that has, or is going to have, the other machine of its server; null: its server has none there.
 * Without addresses it has the same as it shows.
 */
export const portBeside = async (db: Database, portId: string, cloudId: string): Promise<Beside | null> => {
  const [row] = await db.all<{ filters: Filters | null; addresses: string }>(sql`select m.filters,
      (select json_group_array(json_object('subnet_id', a.subnet_id, 'ip_address', a.address)) from (
          select subnet_id, address from ip_allocations where port_id = ${arriving(portId)}
          union select subnet_id, address from lingering_addresses where port_id = ${portId}) a
        join subnets s on s.id = a.subnet_id join segments g on g.id = s.segment_id and g.cloud_id = m.cloud_id) as addresses
    from server_ports p join server_moves m on m.server_id = p.server_id and m.cloud_id = ${cloudId}
    where p.port_id = ${portId}`)
  return row ? { fixedIps: JSON.parse(row.addresses), filters: row.filters } : null
}
