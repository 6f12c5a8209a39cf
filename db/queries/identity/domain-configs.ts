import { eq, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { domainConfigs, domains } from '../../schema/index.ts'

const ofDomain = prepared((db, { domainId }: Slots<{ domainId: string }>) =>
  db
    .select({ config: domainConfigs.config })
    .from(domains)
    .leftJoin(domainConfigs, eq(domainConfigs.domainId, domains.id))
    .where(eq(domains.id, domainId)),
)
/** A domain's configuration, sealed; null: there is none; undefined: nor is there such a domain. */
export const domainConfigOf = async (db: Database, domainId: string): Promise<string | null | undefined> =>
  (await ofDomain.run(db, { domainId }))[0]?.config

/** As SQL, that a domain's configuration (null: none) was changed meanwhile. */
export const isOtherConfig = (domainId: string, config: string | null): SQL =>
  sql`(select config from domain_configs where domain_id = ${domainId}) is not ${config}`

/** Statement: a domain's configuration, sealed, in place of another. */
export const putDomainConfig = (db: Database, domainId: string, config: string) =>
  db
    .insert(domainConfigs)
    .values({ domainId, config })
    .onConflictDoUpdate({ target: domainConfigs.domainId, set: { config } })
/** Statement: a domain has no configuration any more. */
export const deleteDomainConfig = (db: Database, domainId: string) =>
  db.delete(domainConfigs).where(eq(domainConfigs.domainId, domainId))
