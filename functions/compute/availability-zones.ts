import { type ZoneRow, zonesFor } from '../../db/queries/clouds/zones.ts'
import type { Policy } from '../../db/schema/index.ts'
import { actedFor, isOpen, oneZone } from '../broker/clouds/policy.ts'
import { type Operation, operation } from '../http/operation.ts'
import { nakedTime } from './links.ts'

/** Where a server can be started now: the zone says so, and its cloud is enabled and answers. */
export const isUp = (zone: Pick<ZoneRow, 'available' | 'enabled' | 'breakerOpenUntil'>, now: number): boolean =>
  zone.available && zone.enabled && zone.breakerOpenUntil <= now

const view = (zone: ZoneRow, now: number) => ({
  zoneName: `${zone.cloud}.${zone.name}`,
  zoneState: { available: isUp(zone, now) },
})

const standingFor = (policy: Policy, zones: ZoneRow[], now: number) => ({
  zoneName: policy.zone_name,
  zoneState: {
    available: isOpen(
      policy,
      zones.map((zone) => ({ cloud: zone.cloud, available: isUp(zone, now) })),
    ),
  },
  hosts: null,
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
    summary: 'Zones of the clouds that the project may use, or the one that its policy has in their place.',
    status: 200,
    handle: async ({ context }) => {
      const zones = await zonesFor(context.db, context.scope, actedFor(context))
      const policy = await oneZone(context, zones)
      const all = zones.map((zone) => ({ ...view(zone, context.now()), hosts: null }))
      return { body: { availabilityZoneInfo: policy ? [standingFor(policy, zones, context.now())] : all } }
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
      const zones = await zonesFor(context.db, context.scope, actedFor(context))
      const detail = (zone: ZoneRow) => {
        const seen = view(zone, context.now())
        return { ...seen, hosts: seen.zoneState.available ? host(zone, context.now()) : null }
      }
      return { body: { availabilityZoneInfo: zones.map(detail) } }
    },
  }),
]
