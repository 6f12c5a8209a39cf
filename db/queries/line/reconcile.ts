import { sql } from 'drizzle-orm'
import type { Kind } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { among } from '../../conditions.ts'
import type { Ref } from './bindings.ts'

/** The columns of a binding that a sweep compares, and no more: there may be a hundred thousand. */
export interface Known {
  resourceId: string
  scope: string
  nativeId: string
  observed: string | null
  missing: number
  phase: string
  boundAt: number | null
  /** Under way: converge looks at it anyway. */
  hot: number
}

/** Bound objects of a kind that one account of a cloud should show. One query. */
export const knownObjects = (db: Database, cloudId: string, kind: Kind, projectIds: string[]): Promise<Known[]> =>
  db.all<Known>(sql`select resource_id as resourceId, scope, native_id as nativeId, observed, missing, phase, bound_at as boundAt,
      due_at is not null as hot
    from bindings where cloud_id = ${cloudId} and kind = ${kind} and phase in ('bound', 'deleting') and native_id is not null
      and project_id in ${among(projectIds)}`)

const listed = (refs: Pick<Known, 'resourceId' | 'scope'>[]) =>
  JSON.stringify(refs.map(({ resourceId, scope }) => [resourceId, scope]))

/** What differs is due: converge takes a direct look and writes what it sees. One statement for any number of rows. */
export const markDue = (db: Database, cloudId: string, kind: Kind, refs: Known[], now: number) =>
  db.run(sql`update bindings set due_at = ${now}, updated_at = ${now} where cloud_id = ${cloudId} and kind = ${kind} and due_at is null
    and (resource_id, scope) in (select value->>0, value->>1 from json_each(${listed(refs)}))`)

/** What the cloud says has changed is due, as far as it is bound and at rest. Gives what there is to look at. */
export const markChanged = (
  db: Database,
  cloudId: string,
  kind: Kind,
  nativeIds: string[],
  now: number,
): Promise<Ref[]> =>
  db.all<Ref>(sql`update bindings set due_at = ${now}, updated_at = ${now} where cloud_id = ${cloudId} and kind = ${kind}
    and native_id in ${among(nativeIds)} and phase = 'bound' and due_at is null
    returning kind, resource_id as resourceId, cloud_id as cloudId, scope`)

/** One more complete listing without them. */
export const markMissing = (db: Database, cloudId: string, kind: Kind, refs: Known[], now: number) =>
  db.run(sql`update bindings set missing = missing + 1, updated_at = ${now} where cloud_id = ${cloudId} and kind = ${kind}
    and phase = 'bound' and (resource_id, scope) in (select value->>0, value->>1 from json_each(${listed(refs)}))`)

/** They are there after all. */
export const markFound = (db: Database, cloudId: string, kind: Kind, refs: Known[]) =>
  db.run(sql`update bindings set missing = 0 where cloud_id = ${cloudId} and kind = ${kind} and phase = 'bound'
    and (resource_id, scope) in (select value->>0, value->>1 from json_each(${listed(refs)}))`)

/** The clouds that are not shut off, once per different tenant mapping, with the projects that share it. */
export const mappedClouds = async (db: Database, now: number) =>
  (
    await db.all<{
      cloudId: string
      projects: string
    }>(sql`select m.cloud_id as cloudId, json_group_array(m.project_id) as projects
      from mappings m join clouds c on c.id = m.cloud_id where c.enabled and c.closed_until <= ${now}
      group by m.cloud_id, m.mapping order by c.position, m.cloud_id`)
  ).map(({ cloudId, projects }) => ({ cloudId, projectIds: JSON.parse(projects) as string[] }))
