import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { type FixedIp, floatingIps, ipAllocations, ports } from '../../schema/index.ts'
import { releaseRows } from './network-quotas.ts'

/** Ports that routers and floating IPs have on external networks: triggers make and delete them with their rows. */
const ofDevice = (deviceId: string) =>
  sql`device_id = ${deviceId} and device_owner in ('network:router_gateway', 'network:floatingip')`

/** Statements: what leads outside has exactly these addresses there. The primary key refuses one that somebody has. */
export const takeOutside = (db: Database, deviceId: string, fixedIps: FixedIp[]) =>
  [
    db.run(sql`delete from ${ipAllocations} where port_id in (select id from ${ports} where ${ofDevice(deviceId)})`),
    db.run(sql`update ${ports} set fixed_ips = ${JSON.stringify(fixedIps)} where ${ofDevice(deviceId)}`),
    db.run(sql`insert into ${ipAllocations} (subnet_id, address, port_id)
      select a.value ->> 'subnet_id', a.value ->> 'ip_address', p.id
      from ${ports} p cross join json_each(${JSON.stringify(fixedIps)}) a where ${ofDevice(deviceId)}`),
  ] as const

/** Addresses of a router or a floating IP on an external network; none on those that their cloud comes with. */
export const addressesOutside = async (db: Database, deviceId: string): Promise<FixedIp[]> =>
  (await db.select({ fixedIps: ports.fixedIps }).from(ports).where(ofDevice(deviceId)))[0]?.fixedIps ?? []

/** Ids of floating IPs of a network that lead nowhere. */
export const looseFloatingIps = async (db: Database, networkId: string): Promise<string[]> =>
  (
    await db
      .select({ id: floatingIps.id })
      .from(floatingIps)
      .where(and(eq(floatingIps.floatingNetworkId, networkId), sql`${floatingIps.portId} is null`))
  ).map(({ id }) => id)

/** Statements: floating IPs go that lead nowhere, with their quota and what they cost. `now` in milliseconds since 1970. */
export const deleteFloatingIps = (db: Database, ids: string[], now: number) => {
  const which = sql`${anyOf(sql`id`, ids)} and port_id is null`
  return [
    db.run(sql`update meters set ended_at = max(coalesce(settled_at, 0), ${now}), due_at = 0,
      reserved = cast((coalesce(hourly, 0) * max(0, ${now} - coalesce(settled_at, ${now})) + 3599999) / 3600000 as integer)
      where ${anyOf(sql`server_id`, ids)} and ended_at is null`),
    releaseRows(db, 'floatingip', floatingIps, which),
    db.delete(floatingIps).where(which),
  ] as const
}

/** A floating IP of the network has that address. */
export const isPublicAddress = async (db: Database, networkId: string, addresses: string[]): Promise<string | null> =>
  (
    await db
      .select({ address: floatingIps.floatingIpAddress })
      .from(floatingIps)
      .where(and(anyOf(floatingIps.floatingIpAddress, addresses), eq(floatingIps.floatingNetworkId, networkId)))
  )[0]?.address ?? null
