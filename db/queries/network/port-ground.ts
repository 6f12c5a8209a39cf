import { and, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { always, anyOf, both, either } from '../../conditions.ts'
import { ready } from '../../prepared.ts'
import { clouds, networks, securityGroups, segments, subnets } from '../../schema/index.ts'
import { foundWithin, type Scope } from '../../scope.ts'
import { type Terms, termsFor } from '../clouds/policies.ts'
import { type NetworkRow, visible } from './network.ts'
import { lentTo } from './rbac.ts'
import type { SegmentRow } from './segments.ts'
import type { SubnetRow } from './subnets.ts'

/**
 * Networks, the clouds that they are on, what is said there of projects, and their segments and subnets in the order in which
 * they were made.
 */
export interface NetworkGround {
  networks: NetworkRow[]
  clouds: { id: string; name: string; type: string }[]
  terms: Terms[]
  segments: SegmentRow[]
  subnets: SubnetRow[]
}

/** What there is of some networks, as far as the scope sees them. One round trip. */
export const networksWithSubnets = async (
  db: Database,
  scope: Scope,
  ids: string[],
  projectIds: string[],
): Promise<NetworkGround> => {
  const theirs = sql`(select cloud_id from segments where ${anyOf(sql`network_id`, ids)})`
  const [networkRows, cloudRows, terms, segmentRows, subnetRows] = await db.batch([
    db
      .select()
      .from(networks)
      .where(and(anyOf(networks.id, ids), visible(scope))),
    db
      .select({ id: clouds.id, name: clouds.name, type: clouds.type })
      .from(clouds)
      .where(sql`${clouds.id} in ${theirs}`),
    termsFor(db, [...new Set(projectIds)], theirs),
    db.select().from(segments).where(anyOf(segments.networkId, ids)).orderBy(segments.createdAt, segments.id),
    db.select().from(subnets).where(anyOf(subnets.networkId, ids)).orderBy(subnets.createdAt, subnets.id),
  ])
  return { networks: networkRows, clouds: cloudRows, terms, segments: segmentRows, subnets: subnetRows }
}

/** An address that a port has, or that a cloud or somebody on it still holds (then `portId` may be `<cloud>/<native id>`). */
export interface HeldAddress {
  subnetId: string
  address: string
  portId: string
}

const among = (table: string) => `select a.subnet_id as subnetId, a.address, a.port_id as portId
  from json_each(?1) s cross join json_each(s.value) c cross join ${table} a on a.subnet_id = s.key and a.address = c.value`
const HELD = `${among('ip_allocations')} union all ${among('lingering_addresses')}`

const heldStatement = (addresses: Record<string, string[]>) =>
  ready(HELD, [JSON.stringify(addresses)], (result) => (result as { results: HeldAddress[] }).results)

/** Which of these addresses, given by subnet, are held. One look at the primary key each, however many others there are. */
export const heldAmong = async (db: Database, addresses: Record<string, string[]>): Promise<HeldAddress[]> =>
  ((await db.batch([heldStatement(addresses)])) as unknown as [HeldAddress[]])[0]

/** MAC addresses of networks, and which of them a port has already. */
export interface Mac {
  networkId: string
  mac: string
}

/**
 * What plans of ports look at beside their networks, in one round trip: which of the addresses that come into question
 * are held, the groups that were named, and the default groups of their projects.
 */
export const portGround = async (
  db: Database,
  scope: Scope,
  ask: { addresses: Record<string, string[]>; macs: Mac[]; groupIds: string[]; projectIds: string[] },
) => {
  const [held, macs, groups] = await db.batch([
    heldStatement(ask.addresses),
    ready(
      `select p.network_id as networkId, p.mac_address as mac from json_each(?1) m
        cross join ports p on p.network_id = m.value ->> 'networkId' and p.mac_address = m.value ->> 'mac'`,
      [JSON.stringify(ask.macs)],
      (result) => (result as { results: Mac[] }).results,
    ),
    db
      .select({
        id: securityGroups.id,
        projectId: securityGroups.projectId,
        isDefault: securityGroups.isDefault,
        stateful: securityGroups.stateful,
      })
      .from(securityGroups)
      .where(
        either(
          both(
            anyOf(securityGroups.id, ask.groupIds),
            'every' in scope
              ? always
              : either(
                  foundWithin(securityGroups.projectId, scope),
                  lentTo('security_group', securityGroups.id, scope),
                ),
          ),
          both(anyOf(securityGroups.projectId, ask.projectIds), sql`${securityGroups.isDefault} = 'default'`),
        ),
      ),
  ])
  return { held: held as unknown as HeldAddress[], macs: macs as unknown as Mac[], groups }
}
export type PortGround = Awaited<ReturnType<typeof portGround>>
