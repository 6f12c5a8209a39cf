import { type CloudSeen, cloudsSeen } from '../../db/queries/clouds/clouds.ts'
import { idOf } from '../broker/line/uuid.ts'
import { type Operation, operation } from '../http/operation.ts'
import { nakedTime } from './links.ts'
import { query } from './parameters.ts'

/** A UUID from 2.53 on, a number before. */
export const idIn = (version: number, name: string): string | number => {
  const id = idOf(name)
  return version >= 53 ? id : Number.parseInt(id.slice(0, 7), 16)
}

/** The id under which a cloud is shown as `nova-compute`: a number before 2.53, a UUID since. */
export const serviceId = (version: number, cloudId: string) => idIn(version, `nova-compute/${cloudId}`)

const view = (cloud: CloudSeen, version: number, now: number) => ({
  id: serviceId(version, cloud.id),
  binary: 'nova-compute',
  host: cloud.name,
  zone: cloud.name,
  status: cloud.enabled ? 'enabled' : 'disabled',
  state: cloud.breakerOpenUntil <= now ? 'up' : 'down',
  updated_at: cloud.seenAt === null ? null : nakedTime(cloud.seenAt),
  disabled_reason: null,
  ...(version >= 11 ? { forced_down: false } : {}),
})

/**
 * To Nova's operators a cloud is a host with one `nova-compute`: up while it answers. It is enabled and disabled where
 * clouds are registered. https://docs.openstack.org/api-ref/compute/#compute-services-os-services
 */
export const serviceOperations: Operation[] = [
  operation({
    name: 'service.list',
    method: 'GET',
    path: '/os-services',
    who: 'admin',
    summary: 'Clouds, each as the host of one `nova-compute`.',
    status: 200,
    query: query(['host', 'binary']),
    handle: async ({ context, query: asked, version }) => {
      const clouds = await cloudsSeen(context.db, context.scope)
      const services = clouds
        .map((cloud) => view(cloud, version, context.now()))
        .filter(
          ({ host, binary }) => (!asked.host || host === asked.host) && (!asked.binary || binary === asked.binary),
        )
      return { body: { services } }
    },
  }),
]
