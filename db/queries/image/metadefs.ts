import { and, asc, eq, getTableColumns, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { always, anyOf, either } from '../../conditions.ts'
import { nested, outer } from '../../nested.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { metadefItems, metadefNamespaces, settings } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'
import { pagesOf, type Slice } from '../listing.ts'

export type NamespaceRow = typeof metadefNamespaces.$inferSelect
export type MetadefItem = typeof metadefItems.$inferSelect
export type MetadefKind = MetadefItem['kind']

/** So many of all kinds are in one namespace. */
export const MOST_ITEMS = 1_000

const seen = (scope: Scope<string | Placeholder>): SQL =>
  'every' in scope
    ? always
    : either(eq(metadefNamespaces.visibility, 'public'), eq(metadefNamespaces.projectId, scope.projectId))

const byName = prepared((db, { scope, name }: Slots<{ scope: Scope; name: string }>) =>
  db
    .select()
    .from(metadefNamespaces)
    .where(and(eq(metadefNamespaces.namespace, name), seen(scope))),
)

/** Null: there is none of this name that the scope may see. */
export const namespaceNamed = async (db: Database, scope: Scope, name: string): Promise<NamespaceRow | null> =>
  (await byName.run(db, { scope, name }))[0] ?? null

interface Within {
  scope: Scope
  namespace: string
  kind?: string
  name?: string
}
const withItems = prepared((db, { scope, namespace, kind, name }: Slots<Within>) =>
  db
    .select({
      row: metadefNamespaces,
      items: nested(
        getTableColumns(metadefItems),
        sql`${metadefItems} r where r.namespace_id = ${outer(metadefNamespaces.id)}
          ${kind ? sql`and r.kind = ${kind}` : sql``} ${name ? sql`and r.name = ${name}` : sql``}`,
        sql`r.created_at, r.name`,
      ),
    })
    .from(metadefNamespaces)
    .where(and(eq(metadefNamespaces.namespace, namespace), seen(scope))),
)

/** A namespace with what is in it, of one kind, or the one of a name. Null: there is none that the scope may see. One query. */
export const namespaceWith = async (
  db: Database,
  scope: Scope,
  namespace: string,
  of: { kind?: MetadefKind; name?: string } = {},
): Promise<{ row: NamespaceRow; items: MetadefItem[] } | null> =>
  (await withItems.run(db, { scope, namespace, ...of }))[0] ?? null

const ORDER = {
  namespace: metadefNamespaces.namespace,
  created_at: metadefNamespaces.createdAt,
  updated_at: metadefNamespaces.updatedAt,
  id: metadefNamespaces.id,
} as const
export const NAMESPACE_SORT = ['namespace', 'created_at', 'updated_at'] as const

export interface NamespaceFilter {
  visibility?: string | undefined
  /** Associated with one of these. */
  resourceTypes?: string[] | undefined
}

const conditions = (f: Slots<NamespaceFilter & { scope: Scope }>): (SQL | undefined)[] => [
  seen(f.scope),
  f.visibility && eq(metadefNamespaces.visibility, f.visibility),
  f.resourceTypes &&
    sql`exists (select 1 from metadef_items i where i.namespace_id = ${outer(metadefNamespaces.id)}
      and i.kind = 'resource_type' and ${anyOf(sql`i.name`, f.resourceTypes)})`,
]

const typesOf = nested(
  getTableColumns(metadefItems),
  sql`${metadefItems} r where r.namespace_id = ${outer(metadefNamespaces.id)} and r.kind = 'resource_type'`,
  sql`r.created_at, r.name`,
)
const pages = pagesOf(metadefNamespaces, ORDER, seen, conditions, (db, page) =>
  db
    .select({ row: metadefNamespaces, types: typesOf })
    .from(metadefNamespaces)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit)
    .offset(page.offset),
)

/** One page, each with the types of resources that it is for; null: the marker is none that the scope may see. */
export const listNamespaces = (db: Database, scope: Scope, filter: NamespaceFilter, slice: Slice) =>
  pages(db, scope, filter, slice)

const items = prepared(
  (db, { namespaces, kind, name }: Slots<{ namespaces: string[]; kind?: string; name?: string }>) =>
    db
      .select()
      .from(metadefItems)
      .where(
        and(
          anyOf(metadefItems.namespaceId, namespaces),
          kind && eq(metadefItems.kind, kind),
          name && eq(metadefItems.name, name),
        ),
      )
      .orderBy(asc(metadefItems.createdAt), asc(metadefItems.name)),
)

/** What is in namespaces, of one kind, or the one of a name: in the order in which it was made. */
export const itemsOf = (
  db: Database,
  namespaces: string[],
  of: { kind?: MetadefKind; name?: string } = {},
): Promise<MetadefItem[]> => items.run(db, { namespaces, ...of })

const types = prepared((db) =>
  db
    .select({
      name: metadefItems.name,
      createdAt: sql<number>`min(${metadefItems.createdAt})`,
      updatedAt: sql<number>`max(${metadefItems.updatedAt})`,
    })
    .from(metadefItems)
    .where(eq(metadefItems.kind, 'resource_type'))
    .groupBy(metadefItems.name)
    .orderBy(asc(metadefItems.name)),
)

/** Every type of resource that something is associated with, by name. */
export const resourceTypes = (db: Database) => types.run(db, {})

/** Statement: a new namespace. */
export const insertNamespace = (db: Database, row: NamespaceRow) => db.insert(metadefNamespaces).values(row)

/** Statement: changes a namespace. */
export const updateNamespace = (db: Database, id: string, set: Partial<NamespaceRow>) =>
  db.update(metadefNamespaces).set(set).where(eq(metadefNamespaces.id, id))

/** Statements: a namespace goes with all that is in it. */
export const deleteNamespace = (db: Database, id: string) =>
  [deleteItems(db, id), db.delete(metadefNamespaces).where(eq(metadefNamespaces.id, id))] as const

/** Statement: things in a namespace, however many. Of a name that is there already it fails. */
export const insertItems = (db: Database, rows: MetadefItem[]) =>
  db.run(sql`insert into metadef_items (namespace_id, kind, name, body, created_at, updated_at)
    select w.value ->> 'namespaceId', w.value ->> 'kind', w.value ->> 'name', w.value -> 'body', w.value ->> 'createdAt',
      w.value ->> 'updatedAt' from json_each(${JSON.stringify(rows)}) w`)

type ItemKey = Pick<MetadefItem, 'namespaceId' | 'kind' | 'name'>
const isItem = ({ namespaceId, kind, name }: ItemKey) =>
  and(eq(metadefItems.namespaceId, namespaceId), eq(metadefItems.kind, kind), eq(metadefItems.name, name))

/** Statement: changes one thing in a namespace. */
export const updateItem = (db: Database, key: ItemKey, set: Partial<MetadefItem>) =>
  db.update(metadefItems).set(set).where(isItem(key))

/** Statement: one thing leaves a namespace. */
export const deleteItem = (db: Database, key: ItemKey) => db.delete(metadefItems).where(isItem(key))

/** Statement: all of one kind leaves a namespace, or all that is in it. */
export const deleteItems = (db: Database, namespaceId: string, kind?: MetadefKind) =>
  db
    .delete(metadefItems)
    .where(and(eq(metadefItems.namespaceId, namespaceId), kind ? eq(metadefItems.kind, kind) : undefined))

/** True (as SQL) where more is in a namespace than may be. */
export const namespaceOverfull = (namespaceId: string) =>
  sql`(select count(*) from metadef_items where namespace_id = ${namespaceId}) > ${MOST_ITEMS}`

/** Statement: what came with the broker is there, and is not brought again when somebody removes it. */
export const noteDefaults = (db: Database, version: string) =>
  db
    .insert(settings)
    .values({ key: 'metadefs', value: version })
    .onConflictDoUpdate({ target: settings.key, set: { value: version } })

/** Which of the sets that come with the broker was brought; null: none. */
export const defaultsBrought = async (db: Database): Promise<string | null> =>
  (await db.select().from(settings).where(eq(settings.key, 'metadefs')))[0]?.value ?? null

/** Statement: the namespaces of a set, but for names that somebody has taken. */
export const insertNamespaces = (db: Database, rows: NamespaceRow[]) =>
  db.run(sql`insert or ignore into metadef_namespaces
      (id, namespace, project_id, display_name, description, visibility, protected, created_at, updated_at)
    select w.value ->> 'id', w.value ->> 'namespace', w.value ->> 'projectId', w.value ->> 'displayName', w.value ->> 'description',
      w.value ->> 'visibility', w.value ->> 'protected', w.value ->> 'createdAt', w.value ->> 'updatedAt'
    from json_each(${JSON.stringify(rows)}) w`)

/** Statement: what is in them, as far as they were taken. */
export const insertItemsOfDefaults = (db: Database, rows: MetadefItem[]) =>
  db.run(sql`insert or ignore into metadef_items (namespace_id, kind, name, body, created_at, updated_at)
    select w.value ->> 'namespaceId', w.value ->> 'kind', w.value ->> 'name', w.value -> 'body', w.value ->> 'createdAt',
      w.value ->> 'updatedAt' from json_each(${JSON.stringify(rows)}) w
    where exists (select 1 from metadef_namespaces n where n.id = w.value ->> 'namespaceId')`)
