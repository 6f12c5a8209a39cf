import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { isFoot } from './network.ts'

/* Routers that plans make: each is the way out of one network on one cloud, and goes with the network. */

/** A router with feet in a network; `egressOf`: the network of which it is the way out by a plan. */
export interface RouterAt {
  id: string
  egressOf: string | null
}

/** Routers that have a foot in what a network has on a cloud, or in a subnet of it that lies in no segment. */
export const routersAt = (db: Database, networkId: string, cloudId: string): Promise<RouterAt[]> =>
  db.all(sql`select distinct r.id, r.egress_of as egressOf from ports p cross join routers r on r.id = p.device_id
    where p.network_id = ${networkId} and ${isFoot('p')} and exists (select 1 from ip_allocations a join subnets s on s.id = a.subnet_id
      left join segments g on g.id = s.segment_id where a.port_id = p.id and ifnull(g.cloud_id, ${cloudId}) = ${cloudId})`)

/** A way out with the subnets that it serves, each by the port that is its foot there. */
export interface WayOut {
  id: string
  feet: { portId: string; subnetId: string }[]
}

/** The ways out of a network that its project's plan made. */
export const waysOutOf = async (db: Database, networkId: string): Promise<WayOut[]> => {
  const rows = await db.all<{
    id: string
    portId: string | null
    subnetId: string | null
  }>(sql`select r.id, p.id as portId, a.subnet_id as subnetId
    from routers r left join ports p on p.device_id = r.id and ${isFoot('p')} left join ip_allocations a on a.port_id = p.id
    where r.egress_of = ${networkId}`)
  return [...Map.groupBy(rows, ({ id }) => id)].map(([id, all]) => ({
    id,
    feet: all.flatMap(({ portId, subnetId }) => (portId && subnetId ? [{ portId, subnetId }] : [])),
  }))
}

/* ---------------------------------------------------------------- conditions of guards */

/** Condition of a guard: the ways out of a network do not stand any more where they were read to stand. */
export const waysOutMoved = (networkId: string, ways: WayOut[]) => {
  const feet = ways.flatMap(({ feet }) => feet.map(({ portId }) => portId)).sort()
  return sql`(select json_group_array(p.id order by p.id) from routers r join ports p on p.device_id = r.id and ${isFoot('p')}
    where r.egress_of = ${networkId}) <> ${JSON.stringify(feet)}`
}
