import { poolsIn } from '../../broker/block-storage/pools.ts'
import { takesNew, zonesWithVolumes } from '../../broker/block-storage/volume-place.ts'
import { asAsked, DEFAULT_TYPE } from '../../broker/block-storage/volume-types.ts'
import { isTrue } from '../../http/boolean.ts'
import { notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { typeOf } from '../types/types.ts'

/** https://docs.openstack.org/api-ref/block-storage/v3/#back-end-storage-pools */
export const poolOperations: Operation[] = [
  operation({
    name: 'pool.list',
    method: 'GET',
    path: '/scheduler-stats/get_pools',
    who: 'admin',
    summary:
      'Where volumes of each type are made: a pool for each type in each zone of each cloud, `<cloud>@<zone>#<type>`.',
    status: 200,
    handle: async ({ context, query, version }) => {
      const type =
        query.volume_type && version >= 35 ? await asAsked(context, await typeOf(context, query.volume_type)) : null
      const zones = (await zonesWithVolumes(context)).filter((zone) => takesNew(zone) && (type?.fits(zone) ?? true))
      const pools = zones
        .flatMap(poolsIn)
        .filter(
          ({ name, volume_backend_name }) =>
            (version < 28 || query.name === undefined || query.name === name) &&
            (type === null || volume_backend_name === type.native),
        )
      const shown = isTrue(query.detail)
      return {
        body: {
          pools: pools.map(({ name, ...capabilities }) => (shown ? { name, capabilities } : { name })),
        },
      }
    },
  }),
  operation({
    name: 'capabilities.show',
    method: 'GET',
    path: '/capabilities/:host',
    who: 'admin',
    summary: 'What volumes in a zone of a cloud (`<cloud>@<zone>`) can be asked to be.',
    status: 200,
    handle: async ({ context, params }) => {
      const [host = '', pool = DEFAULT_TYPE] = params.host!.split('#')
      const zone = (await zonesWithVolumes(context)).find((each) => `${each.cloud}@${each.zone}` === host)
      if (!zone || !poolsIn(zone).some(({ volume_backend_name: name }) => name === pool))
        throw notFound(`Service cinder-volume could not be found on host ${params.host}.`)
      return {
        body: {
          namespace: `OS::Storage::Capabilities::${host}`,
          vendor_name: zone.type,
          volume_backend_name: pool,
          pool_name: params.host!.includes('#') ? pool : null,
          driver_version: '1',
          storage_protocol: zone.type,
          display_name: `Volumes of cloud ${zone.cloud} in zone ${zone.zone}`,
          description: null,
          visibility: 'public',
          replication_targets: [],
          properties: {
            volume_backend_name: {
              title: 'Type of the cloud',
              description: 'What the cloud calls the type of a volume.',
              type: 'string',
              enum: poolsIn(zone).map(({ volume_backend_name: name }) => name),
            },
          },
        },
      }
    },
  }),
]
