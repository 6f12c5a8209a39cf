import * as z from 'zod'
import { type Holding, holdingsIn } from '../../db/queries/block-storage/holdings.ts'
import { type VolumeZone, volumeZonesSaid } from '../../db/queries/block-storage/volumes.ts'
import { hasVolumes, withVolumes, zonesWithVolumes } from '../broker/block-storage/volume-place.ts'
import { actedFor, isOpen, oneZone } from '../broker/clouds/policy.ts'
import { badRequest, conflict, notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { text, time } from './shapes.ts'

/** A zone of a cloud, to Cinder's operators: `host@backend`. */
const hostOf = ({ cloud, zone }: Pick<VolumeZone, 'cloud' | 'zone'>): string => `${cloud}@${zone}`

/** Numbers are texts here (cinder/api/contrib/hosts.py). */
const resourceOf = (
  place: Pick<VolumeZone, 'cloud' | 'zone'>,
  { projectId, volumes, volumeGib, snapshots, snapshotGib }: Holding,
) => ({
  host: hostOf(place),
  project: projectId,
  volume_count: String(volumes),
  total_volume_gb: String(volumeGib),
  snapshot_count: String(snapshots),
  total_snapshot_gb: String(snapshotGib),
})

const CHANGES = ['enable', 'disable', 'disable-log-reason', 'freeze', 'thaw', 'failover_host']
const ELSEWHERE = 'enable and disable a cloud by PATCH /broker/v1/clouds/{name}, or leave it out of a policy.'
interface ServiceChange {
  host: string
  binary?: string | undefined
  service?: string | undefined
  disabled_reason?: string | null | undefined
}
const serviceChange = z.strictObject({
  host: text().min(1),
  binary: text().optional(),
  service: text().optional(),
  disabled_reason: text().nullish(),
  backend_id: text().nullish(),
}) as unknown as z.ZodType<ServiceChange>

/** https://docs.openstack.org/api-ref/block-storage/v3/#availability-zones-os-availability-zone */
export const availabilityZoneOperations: Operation[] = [
  operation({
    name: 'availability_zone.list',
    method: 'GET',
    path: '/os-availability-zone',
    who: 'reader',
    summary: 'Zones of the clouds that the project may use and that have volumes: `<cloud>.<zone>`.',
    status: 200,
    handle: async ({ context }) => {
      const all = await volumeZonesSaid(context.db, context.scope, actedFor(context))
      const [zones, policy] = [await withVolumes(all), await oneZone(context, all)]
      const shown = policy
        ? [{ name: policy.zone_name, available: isOpen(policy, zones) }]
        : zones.map(({ cloud, zone, available }) => ({ name: `${cloud}.${zone}`, available }))
      return {
        body: {
          availabilityZoneInfo: shown.map(({ name, available }) => ({ zoneName: name, zoneState: { available } })),
        },
      }
    },
  }),
  operation({
    name: 'host.list',
    method: 'GET',
    path: '/os-hosts',
    who: 'admin',
    summary: 'Where volumes are: each zone of each cloud that has them.',
    status: 200,
    handle: async ({ context }) => {
      const zones = await zonesWithVolumes(context)
      return {
        body: {
          hosts: zones.map(({ cloud, zone, available, seenAt }) => ({
            host_name: hostOf({ cloud, zone }),
            service: 'cinder-volume',
            'service-status': available ? 'available' : 'unavailable',
            'service-state': 'enabled',
            zone: `${cloud}.${zone}`,
            'last-update': time(seenAt),
          })),
        },
      }
    },
  }),
  operation({
    name: 'host.show',
    method: 'GET',
    path: '/os-hosts/:host',
    who: 'admin',
    summary: 'What projects have in one of them: all together first, then each.',
    status: 200,
    handle: async ({ context, params }) => {
      const place = await holdingsIn(context.db, params.host!)
      if (!place || !(await hasVolumes(place.type))) throw notFound(`Host ${params.host} could not be found.`)
      const { holdings } = place
      const sum = (key: 'volumes' | 'volumeGib' | 'snapshots' | 'snapshotGib') =>
        holdings.reduce((total, each) => total + each[key], 0)
      const total = {
        projectId: '(total)',
        volumes: sum('volumes'),
        volumeGib: sum('volumeGib'),
        snapshots: sum('snapshots'),
        snapshotGib: sum('snapshotGib'),
      }
      return { body: { host: [total, ...holdings].map((each) => ({ resource: resourceOf(place, each) })) } }
    },
  }),
  operation({
    name: 'service.list',
    method: 'GET',
    path: '/os-services',
    who: 'admin',
    summary:
      'Zones of clouds, each as the host of one `cinder-volume`: up while the cloud answers and the zone is open.',
    status: 200,
    handle: async ({ context, query, version }) => {
      const services = (await zonesWithVolumes(context)).map((place) => ({
        binary: 'cinder-volume',
        host: hostOf(place),
        zone: `${place.cloud}.${place.zone}`,
        status: 'enabled',
        state: place.available ? 'up' : 'down',
        updated_at: time(place.seenAt),
        disabled_reason: null,
        ...(version >= 7 ? { cluster: null } : {}),
        ...(version >= 49 ? { backend_state: place.available ? 'up' : 'down' } : {}),
      }))
      // A host is named with its back end, or without.
      const asked = ({ host, binary }: { host: string; binary: string }): boolean =>
        (!query.host || host === query.host || host.split('@')[0] === query.host) &&
        (!query.binary || binary === query.binary)
      return { body: { services: services.filter(asked) } }
    },
  }),
  operation<ServiceChange>({
    name: 'service.change',
    method: 'PUT',
    path: '/os-services/:action',
    who: 'admin',
    summary: 'Takes no service out of use: clouds are enabled and disabled where they are registered.',
    status: 200,
    body: serviceChange,
    handle: async ({ context, params, body }) => {
      const { host, binary = body.service ?? 'cinder-volume', disabled_reason } = body
      const action = params.action!
      if (!CHANGES.includes(action)) throw notFound('Unknown action')
      if (action === 'disable-log-reason' && !disabled_reason?.trim())
        throw badRequest('Disabled reason contains invalid characters or is too long')
      const known = (await zonesWithVolumes(context)).some((place) => [hostOf(place), place.cloud].includes(host))
      if (!known || binary !== 'cinder-volume') {
        const sentence = `Service ${binary} could not be found on host ${host}.`
        throw ['freeze', 'thaw'].includes(action) ? badRequest(`Host not found: ${sentence}`) : notFound(sentence)
      }
      throw conflict(`Zones of clouds are no processes: ${ELSEWHERE}`)
    },
  }),
]
