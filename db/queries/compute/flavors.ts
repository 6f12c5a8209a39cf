import { and, asc, eq, getTableColumns, gte, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { flavorAccess, flavors, offers } from '../../schema/index.ts'
import { everyProject, type Scope } from '../../scope.ts'
import { behind, orderOf, type SortKey } from '../keyset.ts'
import { hourlyJoined, joinPrice } from '../money/prices.ts'

export type FlavorRow = typeof flavors.$inferSelect

/**
 * What a project may buy: common sizes, unless they are another's, and the native ones that its clouds offer. A common
 * size is listed though no cloud can meet it: that depends on the day. Admins see all but the retired.
 */
const onSale = (scope: Scope<string | Placeholder>): SQL =>
  'every' in scope
    ? sql`(not ${flavors.native} or not ${flavors.retired})`
    : sql`case when ${flavors.native}
        then not ${flavors.retired} and exists (select 1 from mappings m join offers o on o.cloud_id = m.cloud_id
          where m.project_id = ${scope.projectId} and o.name = ${flavors.name})
        else ${flavors.isPublic} or exists (select 1 from flavor_access a
          where a.flavor_id = ${flavors.id} and a.project_id = ${scope.projectId}) end`

/** Also one that is not offered any more while a server of the project has it. */
const readable = (scope: Scope<string | Placeholder>): SQL => sql`(${onSale(scope)}
  or exists (select 1 from servers s where s.deleted_at is null and s.flavor ->> 'id' = +${flavors.id}
    ${'every' in scope ? sql`` : sql`and s.project_id = ${scope.projectId}`}))`

interface ById {
  scope: Scope
  id: string
}

const sold = prepared((db, { scope, id }: Slots<ById>) =>
  db
    .select()
    .from(flavors)
    .where(and(eq(flavors.id, id), onSale(scope))),
)

/** A flavor that a new server may have; null: there is none of that id for this project. */
export const flavorOnSale = async (db: Database, scope: Scope, id: string): Promise<FlavorRow | null> =>
  (await sold.run(db, { scope, id }))[0] ?? null

/** With what it costs where the scope's project may buy it: the least, on demand. */
export interface PricedFlavor extends FlavorRow {
  /** Micros of `currency` per hour; null: unpriced. */
  hourly: number | null
  currency: string | null
}

/** What operators make is the same for all projects, and has no price of its own where all projects are looked at. */
const priced = (scope: Scope<string | Placeholder>) => {
  const cheapest = sql`min(${hourlyJoined})`
  const bought = joinPrice({ cloudId: sql`o.cloud_id`, size: sql`o.name`, option: sql`'on-demand'`, zone: sql`''` })
  const ofName = sql`o.name = ${flavors.name}`
  const native =
    'every' in scope
      ? sql`(select ${cheapest} from clouds c join offers o on o.cloud_id = c.id and ${ofName} ${bought})`
      : sql`(select ${cheapest} from mappings m join offers o on o.cloud_id = m.cloud_id and ${ofName} ${bought} where m.project_id = ${scope.projectId})`
  // From the cheapest price on, in each currency, until one is that of a size that meets it: clouds have thousands of sizes.
  const common =
    'every' in scope
      ? sql`null`
      : sql`(select min(least) from (
          select (select cast(round(q.amount * r.rate) as integer) from prices q cross join offers o on o.cloud_id = q.cloud_id and o.name = q.size
            where q.cloud_id = m.cloud_id and q.option = 'on-demand' and q.zone = '' and q.currency = r.currency and q.booked = b.booked
              and o.vcpus >= ${flavors.vcpus} and o.ram_mib >= ${flavors.ramMib} and (o.disk_gib = 0 or o.disk_gib >= ${flavors.diskGib}) and o.gpus = 0
              and (b.booked or not exists (select 1 from prices x where x.cloud_id = q.cloud_id and x.size = q.size and x.option = 'on-demand' and x.zone = '' and x.booked))
            order by q.amount limit 1) as least
          from mappings m cross join rates r cross join (select 0 as booked union all select 1) b where m.project_id = ${scope.projectId}))`
  return {
    hourly: sql<number | null>`case when ${flavors.native} then ${native} else ${common} end`,
    currency: sql<string | null>`(select currency from rates where base)`,
  }
}

const UNPRICED = { hourly: sql<number | null>`null`, currency: sql<string | null>`null` }

const reading = prepared((db, { scope, id }: Slots<ById>) =>
  db
    .select({ ...getTableColumns(flavors), ...priced(scope) })
    .from(flavors)
    .where(and(eq(flavors.id, id), readable(scope))),
)

/** A flavor that the scope may see, also one that is not offered any more while a server has it. */
export const readableFlavor = async (db: Database, scope: Scope, id: string): Promise<PricedFlavor | null> =>
  (await reading.run(db, { scope, id }))[0] ?? null

const named = prepared((db, { scope, name }: Slots<{ scope: Scope; name: string }>) =>
  db
    .select()
    .from(flavors)
    .where(and(eq(flavors.name, name), onSale(scope))),
)

/** The flavor of a name that a new server may have; null: there is none for this project. */
export const flavorNamed = async (db: Database, scope: Scope, name: string): Promise<FlavorRow | null> =>
  (await named.run(db, { scope, name }))[0] ?? null

const columns = {
  flavorid: flavors.id,
  id: flavors.id,
  name: flavors.name,
  memory_mb: flavors.ramMib,
  root_gb: flavors.diskGib,
  ephemeral_gb: flavors.ephemeralGib,
  swap: flavors.swapMib,
  vcpus: flavors.vcpus,
  is_public: flavors.isPublic,
  rxtx_factor: flavors.rxtxFactor,
  description: flavors.description,
  created_at: flavors.createdAt,
  // Nothing of ours to sort by: the id decides.
  disabled: flavors.id,
  updated_at: flavors.id,
  vcpu_weight: flavors.id,
} as const
export type FlavorSort = keyof typeof columns
export const FLAVOR_SORTS = Object.keys(columns) as [FlavorSort, ...FlavorSort[]]

export interface FlavorFilter {
  /** Absent: whatever the scope sees. */
  isPublic?: boolean
  minRamMib?: number
  minDiskGib?: number
}
interface FlavorPage extends FlavorFilter {
  scope: Scope
  /** `priced`: with what they cost. */
  form: { sort: FlavorSort; descending: boolean; priced: boolean }
  marker?: string | undefined
  limit: number
}

const paging = prepared((db, { scope, form, isPublic, minRamMib, minDiskGib, marker, limit }: Slots<FlavorPage>) => {
  const { sort, descending } = form
  const keys: SortKey[] = [columns[sort], flavors.id].map((column) => ({ column, descending }))
  const marked = marker && and(eq(flavors.id, marker), readable(scope))
  return db
    .select({ ...getTableColumns(flavors), ...(form.priced ? priced(scope) : UNPRICED) })
    .from(flavors)
    .where(
      and(
        onSale(scope),
        isPublic && eq(flavors.isPublic, isPublic),
        minRamMib && gte(flavors.ramMib, minRamMib),
        minDiskGib && gte(flavors.diskGib, minDiskGib),
        marked && behind(keys, flavors, marked),
      ),
    )
    .orderBy(...orderOf(keys))
    .limit(limit)
})

/**
 * One page of the flavors that a project may buy, behind the marker; an administrator sees all that are not retired. Null:
 * the marker is no flavor that the scope may see.
 */
export const listFlavors = async (db: Database, page: FlavorPage): Promise<PricedFlavor[] | null> => {
  const rows = await paging.run(db, page)
  if (rows.length || page.marker === undefined) return rows
  return (await readableFlavor(db, page.scope, page.marker)) && rows
}

/** Statement: a new flavor. */
export const insertFlavor = (db: Database, row: typeof flavors.$inferInsert) => db.insert(flavors).values(row)

/** Statement: another description, which is all that changes in a flavor; null: none. */
export const describeFlavor = (db: Database, id: string, description: string | null) =>
  db.update(flavors).set({ description }).where(eq(flavors.id, id))

/** Sets the given extra specs and removes those that are null (RFC 7396), whatever else is written meanwhile. */
export const patchExtraSpecs = (db: Database, id: string, patch: Record<string, string | null>) =>
  db
    .update(flavors)
    .set({ extraSpecs: sql`json_patch(${flavors.extraSpecs}, ${JSON.stringify(patch)})` })
    .where(eq(flavors.id, id))

/** Statements: a flavor goes, and who was given it. Servers keep what they were made with. */
export const deleteFlavor = (db: Database, id: string) =>
  [db.delete(flavorAccess).where(eq(flavorAccess.flavorId, id)), db.delete(flavors).where(eq(flavors.id, id))] as const

const access = prepared((db, { flavorId }: Slots<{ flavorId: string }>) =>
  db.select().from(flavorAccess).where(eq(flavorAccess.flavorId, flavorId)).orderBy(asc(flavorAccess.projectId)),
)

/** Ids of the projects that see a private flavor. */
export const accessOf = async (db: Database, flavorId: string): Promise<string[]> =>
  (await access.run(db, { flavorId })).map(({ projectId }) => projectId)

const withAccess = prepared((db, { id }: Slots<{ id: string }>) =>
  db
    .select({ isPublic: flavors.isPublic, projectId: flavorAccess.projectId })
    .from(flavors)
    .leftJoin(flavorAccess, eq(flavorAccess.flavorId, flavors.id))
    .where(and(eq(flavors.id, id), readable(everyProject)))
    .orderBy(asc(flavorAccess.projectId)),
)

/** Whether everybody sees a flavor, and the projects that were given it; null: there is no such flavor. One query. */
export const flavorWithAccess = async (db: Database, id: string) => {
  const rows = await withAccess.run(db, { id })
  return rows[0] ? { isPublic: rows[0].isPublic, projectIds: rows.flatMap(({ projectId }) => projectId ?? []) } : null
}

/** Statement: gives a private flavor to a project. Twice breaks the primary key. */
export const insertAccess = (db: Database, flavorId: string, projectId: string) =>
  db.insert(flavorAccess).values({ flavorId, projectId })

/** Statement: takes a private flavor from a project. */
export const deleteAccess = (db: Database, flavorId: string, projectId: string) =>
  db.delete(flavorAccess).where(and(eq(flavorAccess.flavorId, flavorId), eq(flavorAccess.projectId, projectId)))

/** The architecture of a cloud's size; null: it is on sale no more. */
export const archOfSize = async (db: Database, cloudId: string, name: string): Promise<string | null> =>
  (
    await db
      .select({ arch: offers.arch })
      .from(offers)
      .where(and(eq(offers.cloudId, cloudId), eq(offers.name, name)))
  )[0]?.arch ?? null
