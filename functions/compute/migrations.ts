import * as z from 'zod'
import { isMigration, type MigrationRow, migrationsOf } from '../../db/queries/compute/migrations.ts'
import { badRequest, forbidden } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { pageRequest } from '../http/pagination.ts'
import { nakedTime, nextLink } from './links.ts'
import { timeOf } from './servers/query.ts'

/* nova/api/openstack/compute/migrations.py, with its schemas. */

/** The UUID of a migration has its number in it, so that a marker is found by that. */
const BEGINNING = '6d696772-6174-4000-8000-'
const uuidOf = (id: number): string => BEGINNING + id.toString(16).padStart(12, '0')
const numberOf = (uuid: string): number | null => {
  const [, digits] = /^6d696772-6174-4000-8000-([0-9a-f]{12})$/i.exec(uuid) ?? []
  return digits === undefined ? null : Number.parseInt(digits, 16)
}

const ALWAYS = ['hidden', 'host', 'instance_uuid', 'source_compute', 'status', 'migration_type']

/** What others are passed over before 2.59, and are refused from then on. */
const asked = (version: number): z.ZodType<Input['query']> => {
  const names = [
    ...ALWAYS,
    ...(version >= 59 ? ['limit', 'marker', 'changes-since'] : []),
    ...(version >= 66 ? ['changes-before'] : []),
    ...(version >= 80 || version < 59 ? ['user_id', 'project_id'] : []),
  ]
  const shape = Object.fromEntries(names.map((name) => [name, z.string().max(255).optional()]))
  return version >= 59 ? z.strictObject(shape) : z.looseObject(shape)
}

/** Flavors of a number have that one; Nova's own numbers of flavors are nobody's to know. */
const flavorNumber = (id: string | null): number | null => (id !== null && /^\d{1,9}$/.test(id) ? Number(id) : null)

const nodeOf = (cloud: string | null, zone: string | null) => (cloud === null ? null : `${cloud}.${zone}`)

const view = (row: MigrationRow, { version, context }: Input) => {
  const shown = context.caller?.isAdmin ?? false
  return {
    id: row.id,
    instance_uuid: row.serverId,
    status: row.status,
    source_compute: shown ? row.fromCloud : null,
    source_node: shown ? nodeOf(row.fromCloud, row.fromZone) : null,
    dest_compute: shown ? row.toCloud : null,
    dest_node: shown ? nodeOf(row.toCloud, row.toZone) : null,
    dest_host: null,
    old_instance_type_id: flavorNumber(row.fromFlavor),
    new_instance_type_id: flavorNumber(row.toFlavor ?? row.fromFlavor),
    created_at: nakedTime(row.createdAt),
    updated_at: nakedTime(row.updatedAt),
    ...(version >= 23 ? { migration_type: row.type } : {}),
    ...(version >= 59 ? { uuid: uuidOf(row.id) } : {}),
    ...(version >= 80 ? { user_id: row.userId, project_id: row.projectId } : {}),
  }
}

/** Managers see what their own project did; administrators all. */
const assertMine = ({ context, query }: Input): void => {
  const { isAdmin, projectId } = context.caller!
  if (!isAdmin && (!query.project_id || query.project_id !== projectId))
    throw forbidden("Policy doesn't allow os_compute_api:os-migrations:index:all_projects to be performed.")
}

const paged = async ({ query, version, context }: Input): Promise<{ limit: number; marker: number | undefined }> => {
  if (version < 59) return { limit: 1000, marker: undefined }
  const { limit, marker } = pageRequest(query)
  if (marker === undefined) return { limit, marker }
  const number = numberOf(marker)
  // One of another project is nobody's to find here.
  const within = context.caller?.isAdmin ? undefined : context.caller?.projectId
  if (number === null || !(await isMigration(context.db, number, within ?? undefined)))
    throw badRequest(`Marker ${marker} could not be found.`)
  return { limit, marker: number }
}

const times = ({ query, version }: Input) => {
  const at = (key: string, since: number) =>
    version >= since && query[key] !== undefined ? timeOf(key, query[key]) : undefined
  const [changesSince, changesBefore] = [at('changes-since', 59), at('changes-before', 66)]
  if (changesSince !== undefined && changesBefore !== undefined && changesBefore < changesSince)
    throw badRequest('The value of changes-since must be less than or equal to changes-before.')
  return { changesSince, changesBefore }
}

/** Resizes, and what the broker brought from one cloud to another. https://docs.openstack.org/api-ref/compute/#migrations-os-migrations */
export const migrationOperations: Operation[] = [
  operation({
    name: 'migration.list',
    method: 'GET',
    path: '/os-migrations',
    who: 'manager',
    denial: "Policy doesn't allow os_compute_api:os-migrations:index to be performed.",
    summary: 'Resizes of servers, and their moves from one cloud to another, newest first.',
    status: 200,
    query: asked,
    handle: async (input) => {
      assertMine(input)
      const { query, context, version } = input
      const rows = await migrationsOf(context.db, {
        projectId: query.project_id,
        userId: query.user_id,
        serverId: query.instance_uuid,
        status: query.status,
        type: query.migration_type,
        source: query.source_compute,
        host: query.host,
        ...times(input),
        ...(await paged(input)),
      })
      const migrations = query.hidden && /^(1|t|true|yes|on)$/i.test(query.hidden) ? [] : rows
      const uuids = migrations.map(({ id }) => uuidOf(id))
      const next = version >= 59 ? nextLink(input, 'migrations_links', '/os-migrations', uuids) : {}
      return { body: { migrations: migrations.map((row) => view(row, input)), ...next } }
    },
  }),
]
