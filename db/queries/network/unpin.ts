import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { isFoot, isRouted } from './network.ts'

interface Holder {
  /** The server that came to nothing on the cloud. */
  serverId: string
  cloudId: string
  /** Its ports that go with it. */
  going: string[]
}

/** Bindings of a network and of what hangs on it. `n` is its alias in the query around it. */
const hangsOn = sql`((b.resource_id = n.id and b.kind = 'network') or (b.scope <> '' and b.scope = n.id and b.kind = 'security_group')
  or (b.resource_id in (select id from subnets where network_id = n.id) and b.kind = 'subnet'))`

/**
 * Networks of a server that nothing else holds on its cloud: no router, no other server, no port that is there or coming,
 * nothing whose making or removal is under way, and no zone that their owner named.
 */
const freed = ({ serverId, cloudId, going }: Holder): SQL => sql`(
  select n.id from networks n
  where n.id in (select p.network_id from server_ports h join ports p on p.id = h.port_id where h.server_id = ${serverId})
    and n.cloud_id = ${cloudId} and not n.external and n.availability_zone_hints = '[]'
    and not exists (select 1 from segments g where g.network_id = n.id and g.id <> n.id) and not ${isRouted(sql`n.id`)}
    and not exists (select 1 from ports p where p.network_id = n.id and ${isFoot('p')})
    and not exists (select 1 from bindings b where +b.cloud_id = ${cloudId} and b.phase in ('calling', 'deleting') and ${hangsOn})
    and not exists (select 1 from ports p cross join bindings b on b.kind = 'port' and b.resource_id = p.id
      where p.network_id = n.id and not ${anyOf(sql`p.id`, going)} and +b.cloud_id = ${cloudId} and b.want = 'present'
        and b.phase in ('calling', 'bound'))
    and not exists (select 1 from ports p cross join bindings b on b.kind = 'server' and b.resource_id = p.device_id
      where p.network_id = n.id and p.device_id <> ${serverId} and +b.cloud_id = ${cloudId} and b.want = 'present'
        and b.phase not in ('failed', 'gone')))`

const parts = (networks: SQL) => sql`((kind = 'network' and resource_id in ${networks})
  or (+kind = 'security_group' and scope <> '' and scope in ${networks})
  or (kind = 'subnet' and resource_id in (select id from subnets where network_id in ${networks})))`

/**
 * What a server tied to a cloud on which it came to nothing is as it was before: networks have no cloud, their subnets no
 * zone. What is there of them is removed, and forgotten is what never was. For one batch, before ports of the server go.
 */
export const freeNetworks = (db: Database, holder: Holder, now: number) => {
  const networks = freed(holder)
  const { cloudId } = holder
  return [
    db.run(sql`update ports set status = 'DOWN' where status = 'ERROR' and network_id in ${networks}`),
    db.run(sql`update subnets set zone = null where network_id in ${networks}`),
    db.run(sql`update bindings set want = 'absent', revision = revision + 1, due_at = ${now}, attempts = 0, updated_at = ${now}
      where +cloud_id = ${cloudId} and phase = 'bound' and ${parts(networks)}`),
    db.run(sql`delete from bindings where +cloud_id = ${cloudId} and phase in ('intent', 'failed') and (${parts(networks)}
      or (kind = 'port' and resource_id in (select id from ports where network_id in ${networks})))`),
    db.run(sql`update networks set status = 'ACTIVE', updated_at = ${now} where id in ${networks}`),
    // Last: what is free is told by the segment.
    db.run(sql`delete from segments where id = network_id and network_id in ${networks}`),
  ] as const
}
