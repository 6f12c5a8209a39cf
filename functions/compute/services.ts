import { type CloudSeen, cloudsSeen } from '../../db/queries/clouds/clouds.ts'
import type { HostRow } from '../../db/queries/clouds/hosts.ts'
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

/** A machine of a cloud that tells them apart: its cloud's service by another name, with a life of its own. */
const hostView = (cloud: CloudSeen, { name, zone, answers, seenAt }: HostRow, version: number, now: number) => {
  const whole = view(cloud, version, now)
  return {
    ...whole,
    id: idIn(version, `nova-compute/${cloud.id}/${name}`),
    host: `${cloud.name}.${name}`,
    zone: `${cloud.name}.${zone}`,
    state: answers ? whole.state : 'down',
    updated_at: seenAt === null ? null : nakedTime(seenAt),
  }
}

/**
 * To Nova's operators a cloud is a host with one `nova-compute`: up while it answers; so is each machine of one that tells them
 * apart, with the date of its last answer. It is enabled and disabled where
 * clouds are registered. https://docs.openstack.org/api-ref/compute/#compute-services-os-services
 */
export const serviceOperations: Operation[] = [
  operation({
    name: 'service.list',
    method: 'GET',
    path: '/os-services',
    who: 'admin',
    summary: 'Clouds, each as the host of one `nova-compute`, and the machines of those that tell them apart.',
    status: 200,
    query: query(['host', 'binary']),
    handle: async ({ context, query: asked, version }) => {
      const clouds = await cloudsSeen(context.db, context.scope)
      const now = context.now()
      const services = clouds
        .flatMap((cloud) => [
          view(cloud, version, now),
          ...cloud.hosts.map((host) => hostView(cloud, host, version, now)),
        ])
        .filter(
          ({ host, binary }) => (!asked.host || host === asked.host) && (!asked.binary || binary === asked.binary),
        )
      return { body: { services } }
    },
  }),
]
