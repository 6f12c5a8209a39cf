import { type ZoneRow, zonesFor } from '../../db/queries/clouds/zones.ts'
import type { Policy } from '../../db/schema/index.ts'
import { actedFor, isOpen, oneZone } from '../broker/clouds/policy.ts'
import { type Operation, operation } from '../http/operation.ts'
import { nakedTime } from './links.ts'

/** Where a server can be started now: the zone says so, and its cloud is enabled, takes servers and answers. */
export const isUp = (
  zone: Pick<ZoneRow, 'available' | 'enabled' | 'placing' | 'breakerOpenUntil'>,
  now: number,
): boolean => zone.available && zone.enabled && zone.placing && zone.breakerOpenUntil <= now

/** As it is named: by an aggregate, else by its cloud. */
const nameOf = (zone: ZoneRow) => zone.made ?? `${zone.cloud}.${zone.name}`

/** One line for a name, in the broker's order; a zone of an aggregate is up where one of its hosts is. */
const named = (zones: ZoneRow[], now: number) =>
  [...Map.groupBy(zones, nameOf)].map(([zoneName, of]) => ({
    zoneName,
    zoneState: { available: of.some((zone) => isUp(zone, now)) },
    of,
  }))

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

/** To Nova a zone has hosts; here they are clouds. */
const hosts = (zones: ZoneRow[], now: number) =>
  Object.fromEntries(
    [...Map.groupBy(zones, ({ cloud }) => cloud)].map(([cloud, of]) => [
      cloud,
      {
        'nova-compute': {
          available: of.some((zone) => isUp(zone, now)),
          active: of[0]!.enabled && of[0]!.placing,
          updated_at: of[0]!.seenAt === null ? null : nakedTime(of[0]!.seenAt),
        },
      },
    ]),
  )

/**
 * Zones are called `<cloud>.<zone>`, and otherwise where an aggregate says so; the cloud alone stands for all of its zones when a server is made.
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
      const all = named(zones, context.now()).map(({ of, ...zone }) => ({ ...zone, hosts: null }))
      return { body: { availabilityZoneInfo: policy ? [standingFor(policy, zones, context.now())] : all } }
    },
  }),
  operation({
    name: 'availability_zone.detail',
    method: 'GET',
    path: '/os-availability-zone/detail',
    who: 'admin',
    summary: 'Every zone, with the clouds that it belongs to as its hosts.',
    status: 200,
    handle: async ({ context }) => {
      const zones = await zonesFor(context.db, context.scope, actedFor(context))
      const detail = named(zones, context.now()).map(({ of, ...zone }) => ({
        ...zone,
        hosts: zone.zoneState.available ? hosts(of, context.now()) : null,
      }))
      return { body: { availabilityZoneInfo: detail } }
    },
  }),
]
