import { and, asc, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { nested } from '../../nested.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { accessRules, applicationCredentials, credentialRules, roles } from '../../schema/index.ts'

export type CredentialRow = typeof applicationCredentials.$inferSelect
type AccessRuleRow = typeof accessRules.$inferSelect
/** What a request has to be like, under the id by which other credentials use the same. */
export type AccessRule = Omit<AccessRuleRow, 'userId'>

const credentials = applicationCredentials
const ruleColumns = {
  id: accessRules.id,
  service: accessRules.service,
  method: accessRules.method,
  path: accessRules.path,
}

/** An application credential with what it is shown with. */
export interface CredentialRead extends CredentialRow {
  /** The roles that it has, by name. */
  granted: (typeof roles.$inferSelect)[]
  /** Empty: it may be used for whatever its roles allow. */
  rules: AccessRule[]
}

const read = (db: Database) =>
  db
    .select({
      ...getTableColumns(credentials),
      granted: nested(
        getTableColumns(roles),
        sql`roles r where r.id in (select value from json_each(application_credentials.roles))`,
        sql`r.name`,
      ),
      rules: nested(
        ruleColumns,
        sql`credential_rules x join access_rules r on r.id = x.rule_id where x.credential_id = application_credentials.id`,
        sql`r.service, r.path, r.method`,
      ),
    })
    .from(credentials)

const byId = prepared((db, { id }: Slots<{ id: string }>) => read(db).where(eq(credentials.id, id)))

/** An application credential; null: there is none. One query. */
export const credentialById = async (db: Database, id: string): Promise<CredentialRead | null> =>
  (await byId.run(db, { id }))[0] ?? null

const ofUser = prepared((db, { userId, name }: Slots<{ userId: string; name?: string | undefined }>) =>
  read(db)
    .where(and(eq(credentials.userId, userId), name && eq(credentials.name, name)))
    .orderBy(asc(credentials.createdAt), asc(credentials.id)),
)

/** The credentials of a user, oldest first; with a name that one alone. One query. */
export const credentialsOf = (db: Database, userId: string, name?: string): Promise<CredentialRead[]> =>
  ofUser.run(db, { userId, name })

const inCredential = prepared((db, { id }: Slots<{ id: string }>) =>
  db
    .select(ruleColumns)
    .from(credentialRules)
    .innerJoin(accessRules, eq(accessRules.id, credentialRules.ruleId))
    .where(eq(credentialRules.credentialId, id))
    .orderBy(asc(accessRules.service), asc(accessRules.path), asc(accessRules.method)),
)

/** The rules of a credential. */
export const rulesOf = (db: Database, id: string): Promise<AccessRule[]> => inCredential.run(db, { id })

export interface RuleFilter {
  service?: string | undefined
  method?: string | undefined
  path?: string | undefined
}

const rulesOfUser = prepared(
  (db, { userId, ...filter }: Slots<RuleFilter & { userId: string; id?: string | undefined }>) =>
    db
      .select(ruleColumns)
      .from(accessRules)
      .where(
        and(
          eq(accessRules.userId, userId),
          ...(['id', 'service', 'method', 'path'] as const).map(
            (key) => filter[key] && eq(accessRules[key], filter[key]),
          ),
        ),
      )
      .orderBy(asc(accessRules.service), asc(accessRules.path), asc(accessRules.method)),
)

/** The rules of a user; what the filter leaves open is not asked. */
export const accessRulesOf = (db: Database, userId: string, filter: RuleFilter = {}): Promise<AccessRule[]> =>
  rulesOfUser.run(db, { userId, ...filter })

/** A rule of a user; null: the user has none of this id. */
export const accessRuleOf = async (db: Database, userId: string, id: string): Promise<AccessRule | null> =>
  (await rulesOfUser.run(db, { userId, id }))[0] ?? null

/** Statements: a new credential with its rules. A rule that the user has already is used again, and its new id forgotten. */
export const insertCredential = (db: Database, row: CredentialRow, rules: AccessRule[]) => {
  const given = JSON.stringify(rules)
  return [
    db.run(sql`insert or ignore into access_rules (id, user_id, service, method, path)
      select value->>'id', ${row.userId}, value->>'service', value->>'method', value->>'path' from json_each(${given})`),
    db.insert(credentials).values(row),
    db.run(sql`insert or ignore into credential_rules (credential_id, rule_id)
      select ${row.id}, r.id from json_each(${given}) g join access_rules r on r.user_id = ${row.userId}
        and r.service = g.value->>'service' and r.method = g.value->>'method' and r.path = g.value->>'path'`),
  ] as const
}

/** A hash of today's cost or key in place of an older one; nothing if the credential is gone. */
export const setSecretHash = (
  db: Database,
  { id, secretHash: old }: Pick<CredentialRow, 'id' | 'secretHash'>,
  secretHash: string,
) =>
  db
    .update(credentials)
    .set({ secretHash })
    .where(and(eq(credentials.id, id), eq(credentials.secretHash, old)))

const gone = (db: Database, which: SQL) =>
  [
    db.run(sql`delete from credential_rules where credential_id in
      (select id from application_credentials where ${which})`),
    db.run(sql`delete from application_credentials where ${which}`),
  ] as const

/** Statements: a credential goes. Its rules stay, for others to use. */
export const deleteCredential = (db: Database, id: string) => gone(db, sql`id = ${id}`)

/** Statements: whatever a user's credentials were, and the rules with them. */
export const deleteCredentialsOf = (db: Database, userId: string) =>
  [...gone(db, sql`user_id = ${userId}`), db.delete(accessRules).where(eq(accessRules.userId, userId))] as const

/** Statements: a project's credentials go. */
export const deleteCredentialsFor = (db: Database, projectId: string) => gone(db, sql`project_id = ${projectId}`)

/**
 * Statements: the credentials go that a user, or whoever is in a group, has in a project; without a project: in those where
 * the group is granted roles. To be done before they leave.
 */
export const deleteCredentialsOn = (
  db: Database,
  projectId: string | null,
  whose: { user: string } | { group: string },
) =>
  gone(
    db,
    sql`${
      'user' in whose
        ? sql`user_id = ${whose.user}`
        : sql`user_id in (select m.user_id from group_members m where m.group_id = ${whose.group})`
    } and ${
      projectId === null && 'group' in whose
        ? sql`project_id in (select g.target_id from grants g where g.actor_id = ${whose.group})`
        : sql`project_id = ${projectId}`
    }`,
  )

/** Statements: the credentials of whoever was granted a role go where it was. To be done before the role is taken. */
export const deleteCredentialsWith = (db: Database, roleId: string) =>
  gone(
    db,
    sql`exists (select 1 from grants g where g.role_id = ${roleId} and g.target_id = application_credentials.project_id
      and (g.actor_id = application_credentials.user_id or g.actor_id in
        (select m.group_id from group_members m where m.user_id = application_credentials.user_id)))`,
  )

/** Whether any credential has a rule. */
export const ruleInUse = (id: string): SQL => sql`exists (select 1 from credential_rules where rule_id = ${id})`
/** Statement: a rule goes. */
export const deleteAccessRule = (db: Database, id: string) => db.delete(accessRules).where(eq(accessRules.id, id))
