import { zonesFor } from '../../db/queries/clouds/zones.ts'
import { actedFor, isOpen, oneZone } from '../broker/clouds/policy.ts'
import { type Operation, operation } from '../http/operation.ts'
import { onlyIn } from './listing.ts'

/* Availability zones: https://docs.openstack.org/api-ref/network/v2/#availability-zones */

export const availabilityZoneOperations: Operation[] = [
  operation({
    name: 'availability_zone.list',
    method: 'GET',
    path: '/v2.0/availability_zones',
    who: 'reader',
    summary: 'Lists the zones of the clouds that the project may use, once for networks and once for routers.',
    status: 200,
    handle: async ({ context, queries }) => {
      const zones = await zonesFor(context.db, context.scope, actedFor(context))
      const policy = await oneZone(context, zones)
      const listed = zones.map(({ cloud, name, available, enabled }) => ({
        name: `${cloud}.${name}`,
        cloud,
        available: available && enabled,
      }))
      const shown = policy ? [{ name: policy.zone_name, available: isOpen(policy, listed) }] : listed
      const all = ['network', 'router'].flatMap((resource) =>
        shown.map(({ name, available }) => ({
          name,
          resource,
          state: available ? 'available' : 'unavailable',
        })),
      )
      const wanted = (key: 'name' | 'resource' | 'state') => {
        const values = queries.getAll(key)
        return (each: (typeof all)[number]) => !values.length || values.includes(each[key])
      }
      const found = all.filter(wanted('name')).filter(wanted('resource')).filter(wanted('state'))
      const only = onlyIn(queries)
      return { body: { availability_zones: found.map((each) => only(each)) } }
    },
  }),
]
