import { and, asc, desc, eq, getTableColumns, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { always } from '../../conditions.ts'
import { nested, outer } from '../../nested.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { defaultVolumeTypes, madeVolumeTypes, qosSpecs, volumes, volumeTypeAccess } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'
import { offeredTo } from './volume-types.ts'

export type MadeTypeRow = typeof madeVolumeTypes.$inferSelect

/** Whose types: those that a project may use, or (null) all. */
type For = string | null

const usable = (projectId: string | Placeholder | undefined): SQL =>
  projectId === undefined
    ? always
    : sql`(${madeVolumeTypes.isPublic} or exists (select 1 from ${volumeTypeAccess}
        where ${volumeTypeAccess.typeId} = ${madeVolumeTypes.id} and ${volumeTypeAccess.projectId} = ${projectId}))`

const all = prepared((db, { projectId, scope }: Slots<{ projectId?: string | undefined; scope: Scope }>) =>
  db
    .select({
      made: nested(
        getTableColumns(madeVolumeTypes),
        sql`${madeVolumeTypes} where ${usable(projectId)}`,
        sql`${madeVolumeTypes.createdAt} desc, ${madeVolumeTypes.id} desc`,
        'made_volume_types',
      ),
      offered: offeredTo(scope),
    })
    .from(sql`(select 1)`),
)

/**
 * Types that an operator made and a project may use (null: all), newest first; and those of the clouds that the scope's
 * project is mapped to.
 */
export const typesFor = async (db: Database, projectId: For, scope: Scope) =>
  (await all.run(db, { projectId: projectId ?? undefined, scope }))[0]!

const one = prepared((db, { projectId, idOrName }: Slots<{ projectId?: string | undefined; idOrName: string }>) =>
  db
    .select()
    .from(madeVolumeTypes)
    .where(and(sql`${idOrName} in (${madeVolumeTypes.id}, ${madeVolumeTypes.name})`, usable(projectId))),
)

/** One by id or name, of those that a project may use (null: of all); null: there is none. */
export const madeTypeFor = async (db: Database, projectId: For, idOrName: string): Promise<MadeTypeRow | null> =>
  (await one.run(db, { projectId: projectId ?? undefined, idOrName }))[0] ?? null

/** Statement: a new type; its name is taken once. */
export const insertMadeType = (db: Database, row: MadeTypeRow) => db.insert(madeVolumeTypes).values(row)

/** Statement: changes a type. */
export const updateMadeType = (db: Database, id: string, set: Partial<MadeTypeRow>) =>
  db.update(madeVolumeTypes).set(set).where(eq(madeVolumeTypes.id, id))

/** Statements: the type goes, with who may use it and whose default it is. */
export const deleteMadeType = (db: Database, id: string) =>
  [
    db.delete(volumeTypeAccess).where(eq(volumeTypeAccess.typeId, id)),
    db.delete(defaultVolumeTypes).where(eq(defaultVolumeTypes.typeId, id)),
    db.delete(madeVolumeTypes).where(eq(madeVolumeTypes.id, id)),
  ] as const

/** True (as SQL) while there are volumes of the type. */
export const typeInUse = (id: string): SQL =>
  sql`exists (select 1 from ${volumes} where type_id = ${id} and deleted_at is null)`

/** True (as SQL) when the type is not as it was read any more. */
export const typeMoved = ({ id, updatedAt }: Pick<MadeTypeRow, 'id' | 'updatedAt'>): SQL =>
  sql`not exists (select 1 from ${madeVolumeTypes} where id = ${id} and updated_at = ${updatedAt})`

const access = prepared((db, { typeId }: Slots<{ typeId: string }>) =>
  db
    .select({ projectId: volumeTypeAccess.projectId })
    .from(volumeTypeAccess)
    .where(eq(volumeTypeAccess.typeId, typeId))
    .orderBy(asc(volumeTypeAccess.projectId)),
)

/** Projects that may use a type that is not public. */
export const accessToType = async (db: Database, typeId: string): Promise<string[]> =>
  (await access.run(db, { typeId })).map(({ projectId }) => projectId)

/** Statement: lets a project use a type. */
export const insertTypeAccess = (db: Database, typeId: string, projectId: string) =>
  db.insert(volumeTypeAccess).values({ typeId, projectId })

/** Statement: lets it no longer. */
export const deleteTypeAccess = (db: Database, typeId: string, projectId: string) =>
  db.delete(volumeTypeAccess).where(and(eq(volumeTypeAccess.typeId, typeId), eq(volumeTypeAccess.projectId, projectId)))

const defaultOf = prepared((db, { projectId }: Slots<{ projectId: string }>) =>
  db
    .select({ typeId: defaultVolumeTypes.typeId })
    .from(defaultVolumeTypes)
    .where(eq(defaultVolumeTypes.projectId, projectId)),
)

/** Id of the type that volumes of a project have by default; null: nobody said. */
export const defaultTypeOf = async (db: Database, projectId: string): Promise<string | null> =>
  (await defaultOf.run(db, { projectId }))[0]?.typeId ?? null

const defaults = prepared((db, _: Slots<object>) =>
  db.select().from(defaultVolumeTypes).orderBy(asc(defaultVolumeTypes.projectId)).limit(1000),
)

/** What administrators said of projects, a thousand at most. */
export const defaultTypes = (db: Database) => defaults.run(db, {})

/** Statement: volumes of the project have that type from now on where none is named. */
export const setDefaultType = (db: Database, projectId: string, typeId: string) =>
  db
    .insert(defaultVolumeTypes)
    .values({ projectId, typeId })
    .onConflictDoUpdate({ target: defaultVolumeTypes.projectId, set: { typeId } })

/** Statement: back to what each cloud takes. */
export const unsetDefaultType = (db: Database, projectId: string) =>
  db.delete(defaultVolumeTypes).where(eq(defaultVolumeTypes.projectId, projectId))

export type QosRow = typeof qosSpecs.$inferSelect

const specsInOrder = prepared((db, _: Slots<object>) =>
  db.select().from(qosSpecs).orderBy(desc(qosSpecs.createdAt), desc(qosSpecs.id)),
)

/** All QoS specs, newest first. */
export const allQosSpecs = (db: Database): Promise<QosRow[]> => specsInOrder.run(db, {})

const specsById = prepared((db, { id }: Slots<{ id: string }>) => db.select().from(qosSpecs).where(eq(qosSpecs.id, id)))

/** One by its id; null: there is none. */
export const qosSpecsById = async (db: Database, id: string): Promise<QosRow | null> =>
  (await specsById.run(db, { id }))[0] ?? null

const withSpecs = prepared((db, { id }: Slots<{ id: string }>) =>
  db
    .select({
      types: nested(
        { id: madeVolumeTypes.id, name: madeVolumeTypes.name },
        sql`${madeVolumeTypes} r where r.qos_specs_id = ${outer(qosSpecs.id)}`,
        sql`r.name`,
      ),
    })
    .from(qosSpecs)
    .where(eq(qosSpecs.id, id)),
)

/** Types that are associated with QoS specs, by name; null: there are no such specs. */
export const typesWithQos = async (db: Database, id: string) => (await withSpecs.run(db, { id }))[0]?.types ?? null

/** Statement: new QoS specs; their name is taken once. */
export const insertQosSpecs = (db: Database, row: QosRow) => db.insert(qosSpecs).values(row)

/** Statement: changes QoS specs. */
export const updateQosSpecs = (db: Database, id: string, set: Partial<QosRow>) =>
  db.update(qosSpecs).set(set).where(eq(qosSpecs.id, id))

/** Statements: QoS specs go, and from the types that had them. */
export const deleteQosSpecs = (db: Database, id: string) =>
  [withoutQos(db, id), db.delete(qosSpecs).where(eq(qosSpecs.id, id))] as const

/** Statement: no type is associated with the specs any more. */
export const withoutQos = (db: Database, id: string) =>
  db.update(madeVolumeTypes).set({ qosSpecsId: null }).where(eq(madeVolumeTypes.qosSpecsId, id))

/** Statement: types with the specs are not what they were. */
export const moveTypesWithQos = (db: Database, id: string, now: number) =>
  db
    .update(madeVolumeTypes)
    .set({ updatedAt: sql`max(${now}, ${madeVolumeTypes.updatedAt} + 1)` })
    .where(eq(madeVolumeTypes.qosSpecsId, id))

/** True (as SQL) when the specs are not as they were read any more. */
export const qosMoved = ({ id, consumer, specs }: QosRow): SQL =>
  sql`not exists (select 1 from ${qosSpecs} where id = ${id} and consumer = ${consumer} and specs = ${JSON.stringify(specs)})`

/** True (as SQL) while types are associated with the specs. */
export const qosInUse = (id: string): SQL => sql`exists (select 1 from ${madeVolumeTypes} where qos_specs_id = ${id})`

/** True (as SQL) when the type has QoS specs other than these. */
export const otherQos = (typeId: string, id: string): SQL =>
  sql`exists (select 1 from ${madeVolumeTypes} where id = ${typeId} and qos_specs_id is not null and qos_specs_id <> ${id})`
