import { type ZoneRow, zonesFor } from '../../db/queries/clouds/zones.ts'
import { type Operation, operation } from '../http/operation.ts'
import { nakedTime } from './links.ts'

/** Where a server can be started now: the zone says so, and its cloud is enabled and answers. */
export const isUp = (zone: Pick<ZoneRow, 'available' | 'enabled' | 'breakerOpenUntil'>, now: number): boolean =>
  zone.available && zone.enabled && zone.breakerOpenUntil <= now

const view = (zone: ZoneRow, now: number) => ({
  zoneName: `${zone.cloud}.${zone.name}`,
  zoneState: { available: isUp(zone, now) },
})

/** To Nova a zone has hosts; here it has one, the cloud. */
const host = (zone: ZoneRow, now: number) => ({
  [zone.cloud]: {
    'nova-compute': {
      available: isUp(zone, now),
      active: zone.enabled,
      updated_at: zone.seenAt === null ? null : nakedTime(zone.seenAt),
    },
  },
})

/**
 * Zones are called `<cloud>.<zone>`; the cloud alone stands for its default zone when a server is made.
 * https://docs.openstack.org/api-ref/compute/#availability-zones-os-availability-zone
 */
export const availabilityZoneOperations: Operation[] = [
  operation({
    name: 'availability_zone.list',
    method: 'GET',
    path: '/os-availability-zone',
    who: 'reader',
    summary: 'Zones of the clouds that the project may use.',
    status: 200,
    handle: async ({ context }) => {
      const zones = await zonesFor(context.db, context.scope)
      return { body: { availabilityZoneInfo: zones.map((zone) => ({ ...view(zone, context.now()), hosts: null })) } }
    },
  }),
  operation({
    name: 'availability_zone.detail',
    method: 'GET',
    path: '/os-availability-zone/detail',
    who: 'admin',
    summary: 'Every zone, with the cloud that it belongs to as its host.',
    status: 200,
    handle: async ({ context }) => {
      const zones = await zonesFor(context.db, context.scope)
      const detail = (zone: ZoneRow) => {
        const seen = view(zone, context.now())
        return { ...seen, hosts: seen.zoneState.available ? host(zone, context.now()) : null }
      }
      return { body: { availabilityZoneInfo: zones.map(detail) } }
    },
  }),
]
