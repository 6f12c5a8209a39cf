import * as z from 'zod'
import { type CloudSeen, cloudsSeen } from '../../db/queries/clouds/clouds.ts'
import type { HostRow } from '../../db/queries/clouds/hosts.ts'
import { setPlacing } from '../broker/clouds/placing.ts'
import { idOf } from '../broker/line/uuid.ts'
import type { Context } from '../context.ts'
import { badRequest, notFound, notImplemented } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { nakedTime } from './links.ts'
import { boolean, matching, oneOf, query, text } from './parameters.ts'
import { fieldsIf, isUuid, perVersion } from './servers/fields.ts'

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
  status: cloud.enabled && cloud.placing ? 'enabled' : 'disabled',
  state: cloud.breakerOpenUntil <= now ? 'up' : 'down',
  updated_at: cloud.seenAt === null ? null : nakedTime(cloud.seenAt),
  disabled_reason: cloud.placingReason,
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

interface Service {
  cloud: CloudSeen
  /** A machine of it; null: the cloud as a whole. */
  host: HostRow | null
}

const shown = ({ cloud, host }: Service, version: number, now: number) =>
  host ? hostView(cloud, host, version, now) : view(cloud, version, now)

const servicesFor = async ({ db, scope }: Context): Promise<Service[]> =>
  (await cloudsSeen(db, scope)).flatMap((cloud) => [
    { cloud, host: null },
    ...cloud.hosts.map((host) => ({ cloud, host })),
  ])

const reason = () => text(1, 255).optional()
/** Before 2.53 the path says what is done, and the body to which; since then the path says to which. */
const update = perVersion((version) =>
  version < 53
    ? z.strictObject({
        host: matching(/^[a-zA-Z0-9-._]*$/),
        binary: text(1, 255),
        disabled_reason: reason(),
        ...fieldsIf(version >= 11, { forced_down: boolean().optional() }),
      })
    : z.strictObject({
        status: oneOf(['enabled', 'disabled']).optional(),
        disabled_reason: reason(),
        forced_down: boolean().optional(),
      }),
)
interface Update {
  host?: string
  binary?: string
  status?: 'enabled' | 'disabled'
  disabled_reason?: string | undefined
  forced_down?: boolean | undefined
}

/** New servers go to a cloud from now on, or none do. One that is disabled where it is registered is so for everything, and stays it. */
export const enableCloud = async (
  context: Context,
  cloud: CloudSeen,
  enabled: boolean,
  reason: string | null,
): Promise<void> => {
  if (enabled && !cloud.enabled)
    throw badRequest(`Cloud ${cloud.name} is disabled where clouds are registered, and enabled there.`)
  await setPlacing(context, cloud, { placing: enabled, reason })
}

/** Which machine of a cloud takes a server is the cloud's to say; whether the cloud is asked for one, the operator's. */
const enable = (context: Context, { cloud, host }: Service, enabled: boolean, why: string | null): Promise<void> => {
  if (host)
    throw notImplemented(
      `Machine ${host.name} is chosen by its cloud: servers are kept from cloud ${cloud.name} as a whole.`,
    )
  return enableCloud(context, cloud, enabled, why)
}

/** It is down when it does not answer. That nobody has said otherwise is true already. */
const forceDown = ({ cloud }: Service, down: boolean): void => {
  if (down)
    throw notImplemented(
      `Cloud ${cloud.name} is down when it does not answer: nobody forces it down, nor evacuates it.`,
    )
}

const byAction = async ({ context, params, body }: Input<Update>, version: number) => {
  const { host = '', binary = '', disabled_reason: why, forced_down: down } = body
  const action = params.id!
  if (!['enable', 'disable', 'disable-log-reason', ...(version >= 11 ? ['force-down'] : [])].includes(action))
    throw notFound('Unknown action')
  if (action === 'disable-log-reason' && why === undefined) throw badRequest('Missing disabled reason field')
  if (action === 'force-down' && down === undefined) throw badRequest('Missing forced_down field')
  if (binary !== 'nova-compute')
    throw badRequest(`Updating a ${binary} service is not supported. Only nova-compute services can be updated.`)
  const found = (await servicesFor(context)).find((each) => shown(each, version, 0).host === host)
  if (!found) throw notFound(`Host '${host}' is not mapped to any cell`)
  if (action === 'force-down') {
    forceDown(found, down!)
    return { host, binary, forced_down: down }
  }
  const said = action === 'disable-log-reason' ? why! : null
  await enable(context, found, action === 'enable', said)
  return {
    ...{ host, binary, status: action === 'enable' ? 'enabled' : 'disabled' },
    ...(said === null ? {} : { disabled_reason: said }),
  }
}

const serviceOf = async (context: Context, id: string, version: number): Promise<Service> => {
  if (version >= 53 ? !isUuid(id) : !/^\d{1,18}$/.test(id)) throw badRequest(`Invalid uuid ${id}`)
  const found = (await servicesFor(context)).find((each) => String(shown(each, version, 0).id) === id.toLowerCase())
  if (!found) throw notFound(`Service ${id} could not be found.`)
  return found
}

const byId = async ({ context, params, body }: Input<Update>, version: number) => {
  const found = await serviceOf(context, params.id!, version)
  const { status, disabled_reason: why, forced_down: down } = body
  if (status === 'enabled' && why !== undefined)
    throw badRequest("Specifying 'disabled_reason' with status 'enabled' is invalid.")
  if (status === undefined && down === undefined)
    throw badRequest("No updates were requested. Fields 'status' or 'forced_down' should be specified.")
  if (down !== undefined) forceDown(found, down)
  if (status !== undefined) await enable(context, found, status === 'enabled', why ?? null)
  return shown(await serviceOf(context, params.id!, version), version, context.now())
}

/**
 * To Nova's operators a cloud is a host with one `nova-compute`: up while it answers; so is each machine of one that tells them
 * apart, with the date of its last answer. Disabled, it takes no new servers. https://docs.openstack.org/api-ref/compute/#compute-services-os-services
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
      const services = (await servicesFor(context))
        .map((each) => shown(each, version, context.now()))
        .filter(
          ({ host, binary }) => (!asked.host || host === asked.host) && (!asked.binary || binary === asked.binary),
        )
      return { body: { services } }
    },
  }),
  operation<Update>({
    name: 'service.update',
    method: 'PUT',
    path: '/os-services/:id',
    who: 'admin',
    summary:
      'Keeps new servers from a cloud, or lets them there again: by its id, and before 2.53 `enable`, `disable` and `disable-log-reason` of what the body names. Forcing one down is refused.',
    status: 200,
    body: update as (version: number) => z.ZodType<Update>,
    handle: async (input) => ({
      body: { service: await (input.version < 53 ? byAction : byId)(input, input.version) },
    }),
  }),
  operation({
    name: 'service.delete',
    method: 'DELETE',
    path: '/os-services/:id',
    who: 'admin',
    summary: 'Refused: a cloud is forgotten where clouds are registered.',
    status: 204,
    handle: async ({ context, params, version }) => {
      const { cloud } = await serviceOf(context, params.id!, version)
      throw notImplemented(`Cloud ${cloud.name} is forgotten where clouds are registered.`)
    },
  }),
]
