import { allocationsIn } from '../../db/queries/compute/providers.ts'
import { badRequest, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { consumerGeneration, resourcesOf } from './allocations.ts'
import { aggregatesIn, chosen, keys, resourcesIn, traitsIn, uuidIn } from './asked.ts'
import { modified } from './modified.ts'
import { hasRoom, isTrait, type Provider, providerOf, providersOf } from './provider.ts'

/* placement/handlers/resource_provider.py, inventory.py, usage.py, aggregate.py, trait.py */

const RELATED: [since: number, rels: string[]][] = [
  [0, ['inventories', 'usages']],
  [1, ['aggregates']],
  [6, ['traits']],
  [11, ['allocations']],
]

const view = ({ uuid, name, generation }: Provider, { version, base }: Pick<Input, 'version' | 'base'>) => {
  const href = `${new URL(base).pathname}/resource_providers/${uuid}`
  return {
    uuid,
    name,
    generation,
    links: [
      { rel: 'self', href },
      ...RELATED.flatMap(([since, rels]) => (version >= since ? rels : [])).map((rel) => ({
        rel,
        href: `${href}/${rel}`,
      })),
    ],
    ...(version >= 14 ? { parent_provider_uuid: null, root_provider_uuid: uuid } : {}),
  }
}

const inventoryView = ({ total, most }: NonNullable<Provider['inventories']['VCPU']>) => ({
  total,
  reserved: 0,
  min_unit: 1,
  max_unit: most,
  step_size: 1,
  allocation_ratio: 1,
})

/** Those that a list is asked for. */
const listed = async ({ context, query, queries, version }: Input): Promise<Provider[]> => {
  const all = await providersOf(context)
  const required = traitsIn(queries.getAll('required'), version, (name) => isTrait(name, all))
  const members = aggregatesIn(queries.getAll('member_of'), version)
  const resources = query.resources === undefined ? {} : resourcesIn(query.resources)
  const only = [query.uuid, query.in_tree].flatMap((uuid, i) =>
    uuid === undefined ? [] : [uuidIn(i ? 'in_tree' : 'uuid', uuid)],
  )
  return all.filter(
    (each) =>
      only.every((uuid) => uuid === each.uuid) &&
      (query.name === undefined || query.name === each.name) &&
      chosen(required, (name) => each.traits.includes(name)) &&
      chosen(members, (uuid) => each.aggregates.includes(uuid)) &&
      Object.entries(resources).every(([name, amount]) => hasRoom(each, name, amount)),
  )
}

const PATH = '/resource_providers/:uuid'

const part = (
  name: string,
  path: string,
  summary: string,
  since: number,
  body: (provider: Provider, input: Input) => Promise<unknown> | unknown,
): Operation =>
  operation({
    name: `resource_provider.${name}`,
    method: 'GET',
    path: PATH + path,
    who: 'admin',
    summary,
    status: 200,
    ...(since ? { since } : {}),
    handle: async (input) => ({
      body: await body(await providerOf(input.context, input.params.uuid!), input),
      ...modified(input),
    }),
  })

/** https://docs.openstack.org/api-ref/placement/#resource-providers */
export const resourceProviderOperations: Operation[] = [
  operation({
    name: 'resource_provider.list',
    method: 'GET',
    path: '/resource_providers',
    who: 'admin',
    summary:
      'Zones of clouds as resource providers, by the UUIDs that they have as hypervisors; each is a tree of its own. Filters `name`, `uuid`, `member_of`, `resources`, `in_tree`, `required`.',
    status: 200,
    query: keys((version) => [
      ...['name', 'uuid'],
      ...(version >= 3 ? ['member_of'] : []),
      ...(version >= 4 ? ['resources'] : []),
      ...(version >= 14 ? ['in_tree'] : []),
      ...(version >= 18 ? ['required'] : []),
    ]),
    handle: async (input) => {
      for (const key of ['name', 'uuid', 'resources', 'in_tree'])
        if (input.queries.getAll(key).length > 1)
          throw badRequest(`Invalid query string parameters: ${key} comes once.`)
      const providers = await listed(input)
      return { body: { resource_providers: providers.map((each) => view(each, input)) }, ...modified(input) }
    },
  }),
  part('show', '', 'One zone of a cloud.', 0, (provider, input) => view(provider, input)),
  part(
    'inventories',
    '/inventories',
    'What it has: what servers take, and what its cloud says is free; where a cloud does not say, no end is known. `max_unit` is of the largest size on offer.',
    0,
    ({ inventories, generation }) => ({
      resource_provider_generation: generation,
      inventories: Object.fromEntries(Object.entries(inventories).map(([name, each]) => [name, inventoryView(each)])),
    }),
  ),
  part('inventory', '/inventories/:class', 'The same of one class.', 0, (provider, { params }) => {
    const found = Object.entries(provider.inventories).find(([name]) => name === params.class)
    if (!found) throw notFound(`No inventory of class ${params.class} for ${provider.uuid}`)
    return { resource_provider_generation: provider.generation, ...inventoryView(found[1]) }
  }),
  part('usages', '/usages', 'What servers of all projects take of it.', 0, ({ inventories, generation }) => ({
    resource_provider_generation: generation,
    usages: Object.fromEntries(Object.entries(inventories).map(([name, { used }]) => [name, used])),
  })),
  part('aggregates', '/aggregates', 'Host aggregates that it is in.', 1, ({ aggregates, generation }, { version }) => ({
    aggregates,
    ...(version >= 19 ? { resource_provider_generation: generation } : {}),
  })),
  part(
    'traits',
    '/traits',
    'Architectures on offer, of which type its cloud is, and whether that is disabled.',
    6,
    ({ traits, generation }) => ({ traits, resource_provider_generation: generation }),
  ),
  part('allocations', '/allocations', 'What each of its servers takes.', 0, async (provider, { context, version }) => ({
    resource_provider_generation: provider.generation,
    allocations: Object.fromEntries(
      (await allocationsIn(context.db, provider.cloudId, provider.zone)).map((row) => [
        row.serverId,
        { resources: resourcesOf(row), ...(version >= 28 ? { consumer_generation: consumerGeneration(row) } : {}) },
      ]),
    ),
  })),
]
