import { type Holding, holdingsIn } from '../../db/queries/block-storage/holdings.ts'
import { type VolumeZone, volumeZonesSaid } from '../../db/queries/block-storage/volume-zones.ts'
import { hasVolumes, withVolumes, zonesWithVolumes } from '../broker/block-storage/volume-place.ts'
import { actedFor, isOpen, oneZone } from '../broker/clouds/policy.ts'
import { notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { hostOf } from './operators/services.ts'
import { time } from './shapes.ts'

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
        : zones.map(({ cloud, zone, available, disabled }) => ({
            name: `${cloud}.${zone}`,
            available: available && !disabled,
          }))
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
          hosts: zones.map(({ cloud, zone, available, disabled, seenAt }) => ({
            host_name: hostOf({ cloud, zone }),
            service: 'cinder-volume',
            'service-status': available ? 'available' : 'unavailable',
            'service-state': disabled ? 'disabled' : 'enabled',
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
]
