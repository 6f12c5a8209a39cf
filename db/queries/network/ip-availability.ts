import { and, eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { type AllocationPool, networks } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'
import { networkAttributes, visible } from './network.ts'
import { type Listing, pagesOf } from './network-listing.ts'

/** A subnet, and how many of its addresses ports have. */
export interface SubnetUse {
  id: string
  name: string
  cidr: string
  ipVersion: number
  allocationPools: AllocationPool[]
  used: number
}

const subnetUse = ([id, name, cidr, ipVersion, allocationPools, used]: [
  string,
  string,
  string,
  number,
  AllocationPool[],
  number,
]): SubnetUse => ({ id, name, cidr, ipVersion, allocationPools, used })

const view = {
  id: networks.id,
  name: networks.name,
  projectId: networks.projectId,
  subnets: sql`(select json_group_array(json_array(s.id, s.name, s.cidr, s.ip_version, json(s.allocation_pools),
      coalesce((select u.used from address_use u where u.subnet_id = s.id), 0)) order by s.created_at, s.id)
    from subnets s where s.network_id = networks.id)`.mapWith((text: string): SubnetUse[] =>
    JSON.parse(text).map(subnetUse),
  ),
}

export interface AddressUse {
  id: string
  name: string
  projectId: string
  subnets: SubnetUse[]
}

const pages = pagesOf<AddressUse>(networks, networkAttributes, visible, (db, page) =>
  db
    .select(view)
    .from(networks)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit),
)

/** What is used of the addresses of each network that a scope sees; filtered as networks are. One query. */
export const addressUses = (db: Database, scope: Scope, filters: Listing['filters']): Promise<AddressUse[]> =>
  pages(db, scope, { filters, tags: [], changedSince: null, sort: [], marker: null, limit: null, reverse: false })

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select(view)
    .from(networks)
    .where(and(eq(networks.id, id), visible(scope))),
)

/** The same of one network; null: there is none that the scope sees. */
export const addressUse = async (db: Database, scope: Scope, id: string): Promise<AddressUse | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null
