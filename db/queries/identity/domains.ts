import { and, asc, eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { domains } from '../../schema/index.ts'

export type DomainRow = typeof domains.$inferSelect

/** The domain of the first start, which stays: clients that name none mean it. */
export const DEFAULT_DOMAIN = 'default'

const ofId = prepared((db, { id }: Slots<{ id: string }>) => db.select().from(domains).where(eq(domains.id, id)))
/** A domain; null: there is none. */
export const domainById = async (db: Database, id: string): Promise<DomainRow | null> =>
  (await ofId.run(db, { id }))[0] ?? null

export interface DomainFilter {
  id?: string | undefined
  name?: string | undefined
  enabled?: boolean | undefined
}
const like = prepared((db, { id, name, enabled }: Slots<DomainFilter>) =>
  db
    .select()
    .from(domains)
    .where(
      and(
        id && eq(domains.id, id),
        name && eq(domains.name, name),
        enabled === undefined ? undefined : eq(domains.enabled, enabled),
      ),
    )
    .orderBy(asc(domains.name)),
)
/** Domains by name; what the filter leaves open is not asked. */
export const listDomains = (db: Database, filter: DomainFilter) => like.run(db, filter)

/** Statement: a new domain. */
export const insertDomain = (db: Database, row: DomainRow) => db.insert(domains).values(row)
/** Statement: changes a domain. */
export const updateDomain = (db: Database, id: string, set: Partial<DomainRow>) =>
  db.update(domains).set(set).where(eq(domains.id, id))

/** Statements: no token of a domain is worth anything any more: none for it or its projects, and none of its users. */
export const raiseDomainEpochs = (db: Database, id: string) =>
  [
    db
      .update(domains)
      .set({ epoch: sql`${domains.epoch} + 1` })
      .where(eq(domains.id, id)),
    db.run(sql`update projects set epoch = epoch + 1 where domain_id = ${id}`),
    db.run(sql`update users set epoch = epoch + 1 where domain_id = ${id}`),
  ] as const

const IN_IT = [
  `application_credentials where user_id in (select u.id from users u where u.domain_id = ?1)
    or project_id in (select p.id from projects p where p.domain_id = ?1)`,
  `credentials where user_id in (select u.id from users u where u.domain_id = ?1)
    or project_id in (select p.id from projects p where p.domain_id = ?1)`,
  `trusts where trustor_id in (select u.id from users u where u.domain_id = ?1)
    or trustee_id in (select u.id from users u where u.domain_id = ?1)
    or project_id in (select p.id from projects p where p.domain_id = ?1)`,
  'access_rules where user_id in (select u.id from users u where u.domain_id = ?1)',
  'login_failures where user_id in (select u.id from users u where u.domain_id = ?1)',
  `grants where target_id = ?1 or target_id in (select p.id from projects p where p.domain_id = ?1)
    or actor_id in (select u.id from users u where u.domain_id = ?1 union all
      select t.id from user_groups t where t.domain_id = ?1)
    or role_id in (select r.id from roles r where r.domain_id = ?1)`,
  `group_members where group_id in (select t.id from user_groups t where t.domain_id = ?1)
    or user_id in (select u.id from users u where u.domain_id = ?1)`,
  `implied_roles where prior_id in (select r.id from roles r where r.domain_id = ?1)
    or implied_id in (select r.id from roles r where r.domain_id = ?1)`,
  'user_groups where domain_id = ?1',
  'roles where domain_id = ?1',
  'webhooks where project_id in (select p.id from projects p where p.domain_id = ?1)',
  'listeners where project_id in (select p.id from projects p where p.domain_id = ?1)',
  `mappings where project_id in (select p.id from projects p where p.domain_id = ?1)
    and not exists (select 1 from bindings b where b.project_id = mappings.project_id and b.phase <> 'gone')`,
  'quotas where used = 0 and project_id in (select p.id from projects p where p.domain_id = ?1)',
  'user_use where servers = 0 and project_id in (select p.id from projects p where p.domain_id = ?1)',
  'user_quotas where project_id in (select p.id from projects p where p.domain_id = ?1)',
  'user_quotas where user_id in (select u.id from users u where u.domain_id = ?1)',
  `access_tokens where user_id in (select u.id from users u where u.domain_id = ?1)
    or project_id in (select p.id from projects p where p.domain_id = ?1)`,
  `request_tokens where user_id in (select u.id from users u where u.domain_id = ?1)
    or project_id in (select p.id from projects p where p.domain_id = ?1)`,
  'former_passwords where user_id in (select u.id from users u where u.domain_id = ?1)',
  'federated_users where user_id in (select u.id from users u where u.domain_id = ?1)',
  'federation_protocols where idp_id in (select i.id from identity_providers i where i.domain_id = ?1)',
  'remote_ids where idp_id in (select i.id from identity_providers i where i.domain_id = ?1)',
  'identity_providers where domain_id = ?1',
  'project_endpoints where project_id in (select p.id from projects p where p.domain_id = ?1)',
  'project_endpoint_groups where project_id in (select p.id from projects p where p.domain_id = ?1)',
  `limits where domain_id = ?1 or project_id in (select p.id from projects p where p.domain_id = ?1)`,
  'domain_configs where domain_id = ?1',
  'template_mappings where domain_id = ?1',
  'project_templates where domain_id = ?1',
  'users where domain_id = ?1',
  'projects where domain_id = ?1',
  'domains where id = ?1',
]

/** Statements: a domain goes with all that is in it, but for what its projects still have on clouds. */
export const deleteDomain = (db: Database, id: string) => [
  db.run(sql`delete from credential_rules where credential_id in (select c.id from application_credentials c
    where c.user_id in (select u.id from users u where u.domain_id = ${id})
      or c.project_id in (select p.id from projects p where p.domain_id = ${id}))`),
  db.run(sql`update users set default_project_id = null where default_project_id in
    (select p.id from projects p where p.domain_id = ${id})`),
  ...IN_IT.map((from) => db.run(sql.join([sql.raw('delete from '), ...interleaved(from, id)]))),
]

const interleaved = (text: string, id: string) =>
  text.split('?1').flatMap((part, at) => (at === 0 ? [sql.raw(part)] : [sql`${id}`, sql.raw(part)]))
