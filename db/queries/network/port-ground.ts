import { eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { anyOf, both, either } from '../../conditions.ts'
import { ipAllocations, lingeringAddresses, securityGroups, subnets } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { networkQuery } from './network.ts'

/**
 * Everything that the plan of a port looks at, in one round trip: its network, the subnets with the addresses in use, the
 * groups that were named, and the project's default group.
 */
export const portGround = async (
  db: Database,
  scope: Scope,
  { networkId, projectId, groupIds }: { networkId: string; projectId: string; groupIds: string[] },
) => {
  const onNetwork = sql`(select id from subnets where network_id = ${networkId})`
  const [[network], subnetRows, held, lingering, groups] = await db.batch([
    networkQuery(db, scope, networkId),
    db.select().from(subnets).where(eq(subnets.networkId, networkId)).orderBy(subnets.createdAt, subnets.id),
    db.select().from(ipAllocations).where(sql`${ipAllocations.subnetId} in ${onNetwork}`),
    db.select().from(lingeringAddresses).where(sql`${lingeringAddresses.subnetId} in ${onNetwork}`),
    db
      .select({
        id: securityGroups.id,
        projectId: securityGroups.projectId,
        isDefault: securityGroups.isDefault,
      })
      .from(securityGroups)
      .where(
        either(
          both(anyOf(securityGroups.id, groupIds), within(securityGroups.projectId, scope)),
          both(eq(securityGroups.projectId, projectId), eq(securityGroups.isDefault, 'default')),
        ),
      ),
  ])
  return {
    network: network ?? null,
    subnets: subnetRows,
    allocations: [...held, ...lingering],
    groups,
    defaultGroup: groups.find((group) => group.isDefault !== null && group.projectId === projectId)?.id ?? null,
  }
}
export type PortGround = Awaited<ReturnType<typeof portGround>>
