import { zonesWithVolumes } from '../broker/block-storage/volume-place.ts'
import { type Operation, operation } from '../http/operation.ts'
import { time } from './shapes.ts'

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
      const zones = await zonesWithVolumes(context)
      return {
        body: {
          availabilityZoneInfo: zones.map(({ cloud, zone, available }) => ({
            zoneName: `${cloud}.${zone}`,
            zoneState: { available },
          })),
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
            host_name: `${cloud}@${zone}`,
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
    name: 'service.list',
    method: 'GET',
    path: '/os-services',
    who: 'admin',
    summary: "Cinder's own processes: there are none.",
    status: 200,
    handle: () => ({ body: { services: [] } }),
  }),
]
