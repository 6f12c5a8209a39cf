import * as z from 'zod'
import { table } from '../../adapters/table.ts'
import { type Aggregate, aggregateById, hostNamed, listAggregates } from '../../db/queries/clouds/aggregates.ts'
import {
  AggregateRefused,
  addHost,
  changeAggregate,
  createAggregate,
  removeAggregate,
  removeHost,
} from '../broker/clouds/aggregates.ts'
import { imageCopies } from '../broker/image/image-copies.ts'
import { Refused } from '../broker/line/refused.ts'
import { dictionary } from '../http/dictionary.ts'
import { badRequest, conflict, type Fault, notFound, notImplemented } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { nakedTime } from './links.ts'
import { matching, name, text } from './parameters.ts'
import { isUuid } from './servers/fields.ts'

/* nova/api/openstack/compute/aggregates.py, with its schemas. */

const zoneName = () =>
  text(1, 255).refine((value) => !/[\p{C}\p{Zl}\p{Zp}:]/u.test(value) && value.trim() !== '', {
    error:
      "An invalid 'availability_zone' value was provided. The availability_zone must be: printable characters except :. Can not start or end with whitespace.",
  })
const spacedName = () =>
  text(1, 255)
    .transform((value) => value.trim())
    .pipe(name())
const host = () => matching(/^[a-zA-Z0-9-._]*$/)

const creation = z.strictObject({
  aggregate: z.strictObject({ name: name(), availability_zone: zoneName().nullish() }),
})
const change = z.strictObject({
  aggregate: z
    .strictObject({ name: spacedName().optional(), availability_zone: zoneName().nullable().optional() })
    .refine((asked) => Object.keys(asked).length > 0, { error: 'it has neither name nor availability_zone' }),
})
const key = z
  .string()
  .regex(/^[a-zA-Z0-9\-_:. ]{1,255}$/, { error: (issue) => `'${issue.input}' does not match any of the regexes` })
const action = z
  .strictObject({
    add_host: z.strictObject({ host: host() }).optional(),
    remove_host: z.strictObject({ host: host() }).optional(),
    set_metadata: z.strictObject({ metadata: dictionary(key, text(0, 255).nullable()) }).optional(),
  })
  .refine((asked) => Object.keys(asked).length === 1, { error: 'There is no such action' })
const images = z.strictObject({
  cache: z
    .array(z.strictObject({ id: text().refine(isUuid, { error: (issue) => `'${issue.input}' is not a 'uuid'` }) }))
    .min(1)
    .max(100),
})

const view = (aggregate: Aggregate, version: number) => ({
  id: aggregate.id,
  ...(version >= 41 ? { uuid: aggregate.uuid } : {}),
  name: aggregate.name,
  availability_zone: aggregate.availabilityZone,
  hosts: aggregate.hosts,
  metadata: aggregate.metadata,
  created_at: nakedTime(aggregate.createdAt),
  updated_at: aggregate.updatedAt === null ? null : nakedTime(aggregate.updatedAt),
  deleted: false,
  deleted_at: null,
})

const aggregateOf = async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<Aggregate> => {
  const id = params.id!
  if (!/^-?\d+$/.test(id)) throw badRequest('Invalid input received: id must be an integer')
  const found = Number.isSafeInteger(Number(id)) ? await aggregateById(context.db, Number(id)) : null
  if (!found) throw gone(id)
  return found
}
const gone = (id: string) => notFound(`Aggregate ${id} could not be found.`)

const PATH = '/os-aggregates/:id'

/** What Nova says before the reason (nova/exception.py, `InvalidAggregateAction`), and as what it answers. */
type Doing = { words: string; fault: (message: string) => Fault }
const UPDATING: Doing = { words: 'Cannot update aggregate', fault: badRequest }
const DELETING: Doing = { words: 'Cannot remove host from aggregate', fault: badRequest }
const ACTIONS: Record<string, Doing> = table({
  add_host: { words: 'Cannot add host to aggregate', fault: conflict },
  remove_host: { words: 'Cannot remove host from aggregate', fault: conflict },
  set_metadata: { words: 'Cannot update metadata of aggregate', fault: badRequest },
})

const invalid = ({ words, fault }: Doing, id: string | undefined, reason: string): Fault =>
  fault(id === undefined ? reason : `${words} ${id}. Reason: ${reason}.`)

const OF_CLOUD = 'is the name of a zone of a cloud'

const refusalIn = (
  error: unknown,
  doing: Doing,
  { params }: Pick<Input, 'params'>,
  called: string,
): Fault | undefined => {
  const { id } = params
  if (error instanceof AggregateRefused) {
    const { refusal } = error
    return refusal.kind === 'cloud-zone'
      ? invalid(doing, id, `Availability zone ${refusal.zone} ${OF_CLOUD}: it must have no dot`)
      : invalid(doing, id, `One or more hosts already in availability zone(s) ${listed(refusal.zones)}`)
  }
  if (!(error instanceof Refused)) return undefined
  const { refusal } = error
  if (refusal.kind === 'taken') return conflict(called)
  if (refusal.kind !== 'guard') return undefined
  const words = GUARDS[refusal.what]
  if (refusal.what === 'aggregate-moved') return conflict('Somebody changed the aggregate at the same time.')
  return refusal.what === 'aggregate-gone' ? gone(id!) : words === undefined ? undefined : invalid(doing, id, words)
}
const GUARDS: Record<string, string> = table({
  'aggregate-full': 'Host aggregate is not empty',
  'aggregate-held': 'One or more hosts contain instances in this zone',
  'other-zones': 'One or more hosts already in another availability zone',
  'zone-of-cloud': `Its availability zone ${OF_CLOUD}`,
})
const listed = (zones: string[]) => `[${zones.map((zone) => `'${zone}'`).join(', ')}]`

const noEmptyZone = (aggregate: Aggregate, doing: Doing): Fault =>
  invalid(doing, String(aggregate.id), `Aggregate ${aggregate.name} does not support empty named availability zone`)

type Asked = z.infer<typeof action>

const act = async (input: Input<Asked>): Promise<Aggregate> => {
  const { context, body } = input
  if (body.set_metadata) {
    const aggregate = await aggregateOf(input)
    const { metadata } = body.set_metadata
    if (Object.hasOwn(metadata, 'availability_zone') && !metadata.availability_zone)
      throw noEmptyZone(aggregate, ACTIONS.set_metadata!)
    return changeAggregate(context, aggregate, { metadata })
  }
  const called = (body.add_host ?? body.remove_host)!.host
  const aggregate = await aggregateOf(input)
  const found = await hostNamed(context.db, called)
  if (body.add_host) {
    if (!found) throw notFound(`Compute host ${called} could not be found.`)
    return addHost(context, aggregate, found)
  }
  if (!found || !aggregate.hosts.includes(called))
    throw notFound(`Cannot remove host ${called} in aggregate ${aggregate.id}`)
  return removeHost(context, aggregate, found)
}

/** What is shown of those that the hosts of an aggregate have already, for whoever starts a server there; the others come with the first one. */
const cache = async (input: Input<z.infer<typeof images>>) => {
  const { hosts } = await aggregateOf(input)
  const clouds = [...new Set(hosts.map((called) => called.split('.')[0]))]
  for (const { id } of input.body.cache) {
    const copies = await imageCopies(input.context, id)
    if (!copies) throw badRequest(`Image ${id} could not be found.`)
    const has = (cloud: string | undefined) =>
      copies.some((copy) => copy.cloud === cloud && copy.state === 'ready' && copy.projectId === null)
    const without = clouds.filter((cloud) => !has(cloud))
    if (without.length)
      throw notImplemented(
        `Image ${id} is not on ${without.join(', ')} for every project, and a cloud is handed an image for the project of the first server that needs it.`,
      )
  }
  return {}
}

/**
 * Hosts are clouds (`<cloud>`), or single zones of theirs (`<cloud>.<zone>`); an aggregate with an availability zone gives
 * them that one. https://docs.openstack.org/api-ref/compute/#host-aggregates-os-aggregates
 */
export const aggregateOperations: Operation[] = [
  operation({
    name: 'aggregate.list',
    method: 'GET',
    path: '/os-aggregates',
    who: 'admin',
    summary: 'Host aggregates: clouds, or zones of theirs, that an administrator put together.',
    status: 200,
    handle: async ({ context, version }) => ({
      body: { aggregates: (await listAggregates(context.db)).map((each) => view(each, version)) },
    }),
  }),
  operation<z.infer<typeof creation>>({
    name: 'aggregate.create',
    method: 'POST',
    path: '/os-aggregates',
    who: 'admin',
    summary: 'Makes one without hosts; `availability_zone` is the zone that its hosts will be in.',
    status: 200,
    body: creation,
    handle: async ({ context, body, version }) => {
      const { name: called, availability_zone: zone } = body.aggregate
      const made = await createAggregate(context, { name: called, zone: zone?.trim() ?? null })
      const { hosts, metadata, ...shown } = view(made, version)
      return { body: { aggregate: shown } }
    },
    refuse: (error, input) =>
      refusalIn(error, UPDATING, input, `Aggregate ${input.body.aggregate.name} already exists.`),
  }),
  operation({
    name: 'aggregate.show',
    method: 'GET',
    path: PATH,
    who: 'admin',
    summary: 'One with its hosts and metadata.',
    status: 200,
    handle: async (input) => ({ body: { aggregate: view(await aggregateOf(input), input.version) } }),
  }),
  operation<z.infer<typeof change>>({
    name: 'aggregate.update',
    method: 'PUT',
    path: PATH,
    who: 'admin',
    summary:
      'Changes its name or its availability zone; that one not while a server is there that was asked for in it.',
    status: 200,
    body: change,
    handle: async (input) => {
      const aggregate = await aggregateOf(input)
      const { name: called, availability_zone: zone } = input.body.aggregate
      if (zone === null) throw noEmptyZone(aggregate, UPDATING)
      const metadata: Record<string, string> = zone === undefined ? {} : { availability_zone: zone.trim() }
      const changed = await changeAggregate(input.context, aggregate, { name: called, metadata })
      return { body: { aggregate: view(changed, input.version) } }
    },
    refuse: (error, input) =>
      refusalIn(error, UPDATING, input, `Aggregate ${input.body.aggregate.name} already exists.`),
  }),
  operation({
    name: 'aggregate.delete',
    method: 'DELETE',
    path: PATH,
    who: 'admin',
    summary: 'Removes one that has no host.',
    status: 200,
    handle: async (input) => {
      await removeAggregate(input.context, await aggregateOf(input))
      return {}
    },
    refuse: (error, input) => refusalIn(error, DELETING, input, ''),
  }),
  operation<Asked>({
    name: 'aggregate.action',
    method: 'POST',
    path: `${PATH}/action`,
    who: 'admin',
    summary: '`add_host` and `remove_host` (`<cloud>` or `<cloud>.<zone>`), `set_metadata`.',
    status: 200,
    body: action,
    handle: async (input) => ({ body: { aggregate: view(await act(input), input.version) } }),
    refuse: (error, input) => {
      const [doing = ''] = Object.keys(input.body)
      const called = `Aggregate ${input.params.id} already has host ${input.body.add_host?.host}.`
      return refusalIn(error, ACTIONS[doing] ?? UPDATING, input, called)
    },
  }),
  operation<z.infer<typeof images>>({
    name: 'aggregate.images',
    method: 'POST',
    path: `${PATH}/images`,
    who: 'admin',
    summary:
      'Accepted where the clouds of its hosts have the images for every project; refused otherwise: copies are made for the project that needs one. From 2.81.',
    status: 202,
    since: 81,
    body: images,
    handle: cache,
  }),
]
