import * as z from 'zod'
import { table } from '../../../adapters/table.ts'
import type { VolumeZone } from '../../../db/queries/block-storage/volume-zones.ts'
import { dueOf } from '../../../db/queries/line/bindings.ts'
import {
  driveVolumes,
  FROZEN_MOVED,
  type ServiceChange,
  sayOfVolumes,
  volumePlaces,
} from '../../broker/block-storage/services.ts'
import { zonesWithVolumes } from '../../broker/block-storage/volume-place.ts'
import { untilStill } from '../../broker/line/until-still.ts'
import { idOf } from '../../broker/line/uuid.ts'
import type { Context } from '../../context.ts'
import { badRequest, notFound, notImplemented } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { invalidInput } from '../refusals.ts'
import { boolean, text, time, uuid } from '../shapes.ts'

const BINARY = 'cinder-volume'

/** A zone of a cloud, to Cinder's operators: `host@backend`. */
export const hostOf = ({ cloud, zone }: Pick<VolumeZone, 'cloud' | 'zone'>): string => `${cloud}@${zone}`

/** Cinder numbers its services. */
const numberOf = (place: VolumeZone): number => Number.parseInt(idOf(`${BINARY}/${hostOf(place)}`).slice(0, 7), 16)

const isUp = ({ available }: VolumeZone): boolean => available

const view = (place: VolumeZone, version: number) => ({
  binary: BINARY,
  host: hostOf(place),
  zone: `${place.cloud}.${place.zone}`,
  status: place.disabled ? 'disabled' : 'enabled',
  state: isUp(place) ? 'up' : 'down',
  updated_at: time(place.seenAt),
  disabled_reason: place.disabledReason,
  ...(version >= 7 ? { cluster: null } : {}),
  // Nobody replicates volumes of a cloud but the cloud itself.
  replication_status: 'disabled',
  active_backend_id: null,
  frozen: place.frozen,
  ...(version >= 49 ? { backend_state: isUp(place) ? 'up' : 'down' } : {}),
})

/** A host is named with its back end, or without. */
const isNamed = (place: VolumeZone, host: string): boolean => hostOf(place) === host || place.cloud === host

interface Change {
  host?: string | null
  cluster?: string | null
  binary?: string | null
  service?: string
  disabled_reason?: string
}
/** Of all actions together; which needs what follows from the path (cinder/api/schemas/services.py). */
const changeBody = z.strictObject({
  host: text().nullish(),
  cluster: text().nullish(),
  binary: text().nullish(),
  service: text().optional(),
  disabled_reason: text().min(1).optional(),
  backend_id: text().nullish(),
  server: text().nullish(),
  prefix: text().nullish(),
  level: text().nullish(),
}) as unknown as z.ZodType<Change>

const SWITCHES = table<ServiceChange>({
  enable: 'enable',
  disable: 'disable',
  'disable-log-reason': 'disable',
})

/** `enable`, `disable` and `disable-log-reason` of one service, named by its host and its program. */
const change = async (context: Context, action: string, body: Change) => {
  const { host, service = '', disabled_reason: reason } = body
  const binary = body.binary ?? ''
  if (!binary && !service) throw badRequest("{} is not valid under any of the given schemas: 'binary' is required.")
  if (!host) throw invalidInput('Host field is missing.')
  const told = action === 'disable-log-reason'
  if (told && !reason?.trim()) throw badRequest('Disabled reason contains invalid characters or is too long')
  const program = binary || service
  const place = (await volumePlaces(context)).find((each) => hostOf(each) === host)
  if (!place || program !== BINARY) throw notFound(`Service ${program} could not be found on host ${host}.`)
  const done = SWITCHES[action]!
  await sayOfVolumes(context, place, done, told ? reason!.trim() : undefined)
  return {
    ...{ host, service, binary, status: `${done}d`, disabled: done === 'disable' },
    ...(told ? { disabled_reason: reason } : {}),
  }
}

/** What is done to one back end: from which microversion on, and from which one a cluster may be named in place of its host. */
const REPLICATIONS = table<[since: number, clusters: number]>({
  freeze: [0, 26],
  thaw: [0, 26],
  failover_host: [0, Number.POSITIVE_INFINITY],
  failover: [26, 26],
})
/** Since which microversion a service is asked what it logs. */
const LOGS = table<number>({ 'get-log': 32, 'set-log': 32 })

/** One back end, by its host or its cluster (cinder/api/common.py, `get_cluster_host`; cinder/volume/api.py, `_replication_db_change`). */
const replicate = async (context: Context, action: string, body: Change, clustered: boolean): Promise<void> => {
  const { host } = body
  const cluster = clustered ? body.cluster : null
  if (Boolean(host) === Boolean(cluster))
    throw invalidInput(clustered ? 'One and only one of cluster and host must be set.' : 'Host field is missing.')
  const places = host ? (await volumePlaces(context)).filter((each) => isNamed(each, host)) : []
  const [place, ...others] = places
  if (!place) throw invalidInput(`No service found with ${host ? `host=${host}` : `cluster=${cluster}`}`)
  if (others.length) throw badRequest('Services from different clusters found.')
  const refuse = (field: string, wanted: string) =>
    invalidInput(`No service could be changed: ${field} in ['${hostOf(place)}'] must be ${wanted} to failover.`)
  if (action !== 'freeze' && action !== 'thaw')
    throw refuse('replication_status', "['enabled', 'failed-over'] and must be up")
  const freezes = action === 'freeze'
  if (place.frozen === freezes) throw refuse('frozen', freezes ? 'False' : 'True')
  await sayOfVolumes(context, place, action)
}

interface Cleanup {
  cluster_name?: string
  host?: string
  binary?: string
  service_id?: number
  is_up?: boolean
  disabled?: boolean
  resource_id?: string | null
  resource_type?: string | null
}
const cleanupBody = z.strictObject({
  cluster_name: text().optional(),
  host: text().optional(),
  binary: z.enum([BINARY, 'cinder-scheduler']).optional(),
  service_id: z
    .union([
      z.int().min(0),
      z
        .string()
        .regex(/^\d{1,9}$/)
        .transform(Number),
    ])
    .optional(),
  is_up: boolean.optional(),
  disabled: boolean.optional(),
  resource_id: uuid.nullish(),
  resource_type: text().nullish(),
}) as unknown as z.ZodType<Cleanup>

/** What is under way there, in Cinder's word for it. */
const CLEANED = { Volume: 'volume', Snapshot: 'snapshot' } as const
const isCleaned = (type: string): type is keyof typeof CLEANED => Object.hasOwn(CLEANED, type)

/**
 * Nothing waits for a process that died, as whoever comes next goes on with it: of services that are up what is due is driven at
 * once, those that are down have nobody to do it (cinder/scheduler/manager.py, `work_cleanup`).
 */
const cleanUp = async ({ context, body }: Input<Cleanup>) => {
  const type = body.resource_type
    ? `${body.resource_type[0]!.toUpperCase()}${body.resource_type.slice(1).toLowerCase()}`
    : null
  if (type !== null && !isCleaned(type))
    throw invalidInput(`Resource type ${type} not valid, must be Snapshot or Volume`)
  const kinds = type === null ? Object.values(CLEANED) : [CLEANED[type]]
  const id = body.resource_id ?? undefined
  const located = body.service_id !== undefined || body.cluster_name !== undefined || body.host !== undefined
  if (id !== undefined && !located) {
    const found = await Promise.all(kinds.map((kind) => dueOf(context.db, kind, [id], context.now())))
    if (!found.flat().length) throw invalidInput(`There is no resource with UUID ${id} pending cleanup.`)
  }
  const all = body.cluster_name || body.binary === 'cinder-scheduler' ? [] : await zonesWithVolumes(context)
  const { is_up: up = false, disabled, host, service_id: number } = body
  const asked = all.filter(
    (place) =>
      isUp(place) === up &&
      (disabled === undefined || place.disabled === disabled) &&
      (host === undefined || isNamed(place, host)) &&
      (number === undefined || numberOf(place) === number),
  )
  if (up && asked.length) await driveVolumes(context, [...new Set(asked.map(({ cloudId }) => cloudId))], { id, kinds })
  const shown = asked.map((place) => ({ id: numberOf(place), host: hostOf(place), binary: BINARY, cluster_name: null }))
  return { body: { cleaning: up ? shown : [], unavailable: up ? [] : shown } }
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#services-os-services */
export const serviceOperations: Operation[] = [
  operation({
    name: 'service.list',
    method: 'GET',
    path: '/os-services',
    who: 'admin',
    summary:
      'Zones of clouds, each as the host of one `cinder-volume`: up while the cloud answers and the zone is open.',
    status: 200,
    handle: async ({ context, query, version }) => ({
      body: {
        services: (await volumePlaces(context))
          .filter((place) => !query.host || isNamed(place, query.host))
          .filter(() => !query.binary || query.binary === BINARY)
          .map((place) => view(place, version)),
      },
    }),
  }),
  operation<Change>({
    name: 'service.change',
    method: 'PUT',
    path: '/os-services/:action',
    who: 'admin',
    summary:
      'Keeps new volumes from a zone of a cloud, or lets them there again (`enable`, `disable`, `disable-log-reason`); leaves all that is there as it is, and no more (`freeze`, `thaw`). Volumes are not replicated: `failover_host` and `failover` are refused.',
    status: 200,
    body: changeBody,
    handle: async ({ context, params, body, version }) => {
      const action = params.action!
      if (Object.hasOwn(SWITCHES, action)) return { body: await change(context, action, body) }
      if (version >= (LOGS[action] ?? Number.POSITIVE_INFINITY))
        throw notImplemented('What a broker logs is said where it is started, and told to nobody by its API.')
      const [since, clusters] = REPLICATIONS[action] ?? [Number.POSITIVE_INFINITY, 0]
      if (version < since) throw invalidInput('Unknown action')
      await untilStill(FROZEN_MOVED, () => replicate(context, action, body, version >= clusters))
      return {}
    },
  }),
  operation<Cleanup>({
    name: 'worker.cleanup',
    method: 'POST',
    path: '/workers/cleanup',
    who: 'admin',
    summary:
      'Drives what is due of volumes and snapshots on services that are up (`is_up`), and names those that are down.',
    status: 202,
    since: 24,
    body: cleanupBody,
    handle: cleanUp,
  }),
]
