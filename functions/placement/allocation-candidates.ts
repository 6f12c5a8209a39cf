import { table } from '../../adapters/table.ts'
import { badRequest } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { aggregatesIn, type Choice, chosen, keys, type Resources, resourcesIn, traitsIn, uuidIn } from './asked.ts'
import { modified } from './modified.ts'
import { hasRoom, isTrait, type Provider, providersOf } from './provider.ts'
import { HELD } from './resource-classes.ts'

/*
 * Where a server could go (placement/handlers/allocation_candidate.py). Each zone of a cloud is a tree by itself, and a
 * server is in one: all groups of a request are of the same provider.
 */

/** What is asked for under one suffix. */
interface Group {
  suffix: string
  resources: Resources
  required: Choice
  members: Choice
  inTree: string | null
}

/** What a query key asks for, and its suffix: none before 1.25, digits before 1.33. */
const pattern = (version: number): RegExp => {
  const kinds = [
    'resources',
    ...(version >= 17 ? ['required'] : []),
    ...(version >= 21 ? ['member_of'] : []),
    ...(version >= 31 ? ['in_tree'] : []),
  ]
  const suffix = version >= 33 ? '([a-zA-Z0-9_-]{1,64})?' : version >= 25 ? '([1-9][0-9]*)?' : '()'
  return new RegExp(`^(${kinds.join('|')})${suffix}$`)
}

const groupsIn = ({ queries, version }: Input, providers: Provider[]): Group[] => {
  const matcher = pattern(version)
  const suffixes = new Set(
    [...queries.keys()].flatMap((key) => (matcher.test(key) ? [matcher.exec(key)![2] ?? ''] : [])),
  )
  return [...suffixes].map((suffix) => {
    const [resources, ...more] = queries.getAll(`resources${suffix}`)
    if (more.length) throw badRequest(`Invalid query string parameters: resources${suffix} comes once.`)
    const inTree = queries.get(`in_tree${suffix}`)
    return {
      suffix,
      resources: resources === undefined ? {} : resourcesIn(resources),
      required: traitsIn(queries.getAll(`required${suffix}`), version, (name) => isTrait(name, providers)),
      members: aggregatesIn(queries.getAll(`member_of${suffix}`), version),
      inTree: inTree === null ? null : uuidIn('in_tree', inTree),
    }
  })
}

/** Suffixes of groups that `same_subtree` names. 400 for one that no group has. */
const subtreesIn = ({ queries }: Input, groups: Group[]): Set<string> => {
  const named = new Set(queries.getAll('same_subtree').flatMap((text) => text.split(',')))
  if (named.has('')) throw badRequest('Empty string (unsuffixed group) can not be specified in `same_subtree`')
  const absent = [...named].filter((name) => !groups.some(({ suffix }) => suffix === name))
  if (absent.length)
    throw badRequest(`Real suffixes should be specified in \`same_subtree\`: ${absent.sort().join(', ')} not found.`)
  return named
}

/** 400 for a group that asks for no resources, unless a subtree takes it in, and for none that asks for any. */
const assertResources = (input: Input, groups: Group[]): void => {
  const without = groups.filter(({ resources }) => !Object.keys(resources).length)
  const named = (key: string, some: Group[]) => some.map(({ suffix }) => key + suffix).join(', ')
  if (input.version < 36) {
    const traits = without.filter(({ required: { any, none } }) => any.length + none.length)
    if (traits.length)
      throw badRequest(
        `All traits parameters must be associated with resources. Found the following orphaned traits keys: ${named('required', traits)}`,
      )
    const members = without.filter(({ members: { any, none } }) => any.length + none.length)
    if (members.length)
      throw badRequest(
        `All member_of parameters must be associated with resources. Found the following orphaned member_of keys: ${named('member_of', members)}`,
      )
    if (without.length) throw badRequest('All request groups must specify resources.')
  }
  if (without.length === groups.length)
    throw badRequest('There must be at least one resources or resources[$S] parameter.')
  const subtrees = subtreesIn(input, groups)
  const bad = without.filter(({ suffix }) => !subtrees.has(suffix))
  if (bad.length)
    throw badRequest(
      `Resourceless suffixed group request should be specified in \`same_subtree\` query param: bad group(s) - ${named('', bad)}.`,
    )
}

const summed = (groups: Group[]): Resources => {
  const all: Resources = table()
  for (const { resources } of groups)
    for (const [name, amount] of Object.entries(resources)) all[name] = (all[name] ?? 0) + amount
  return all
}

const limitIn = (query: Input['query']): number => {
  const { limit } = query
  if (limit === undefined) return Number.POSITIVE_INFINITY
  if (!/^[1-9]\d{0,9}$/.test(limit))
    throw badRequest(`Invalid query string parameters: '${limit}' does not match '^[1-9][0-9]*$'`)
  return Number(limit)
}

const summaryOf = (provider: Provider, asked: Resources, version: number) => {
  const shown = HELD.filter((name) => provider.inventories[name] && (version >= 27 || Object.hasOwn(asked, name)))
  return {
    resources: Object.fromEntries(
      shown.map((name) => {
        const { total, used } = provider.inventories[name]!
        return [name, { capacity: total, used }]
      }),
    ),
    ...(version >= 17 ? { traits: provider.traits } : {}),
    ...(version >= 29 ? { parent_provider_uuid: null, root_provider_uuid: provider.uuid } : {}),
  }
}

const requestOf = ({ uuid }: Provider, groups: Group[], resources: Resources, version: number) => ({
  allocations: version >= 12 ? { [uuid]: { resources } } : [{ resource_provider: { uuid }, resources }],
  ...(version >= 34 ? { mappings: Object.fromEntries(groups.map(({ suffix }) => [suffix, [uuid]])) } : {}),
})

/** https://docs.openstack.org/api-ref/placement/#allocation-candidates */
export const allocationCandidateOperations: Operation[] = [
  operation({
    name: 'allocation_candidate.list',
    method: 'GET',
    path: '/allocation_candidates',
    who: 'admin',
    summary:
      'Zones of clouds that have room for a server, and a size on offer for it. Groups of a request are of one zone; `group_policy=isolate` finds none for several.',
    status: 200,
    since: 10,
    query: keys((version) => [
      pattern(version),
      ...(version >= 16 ? ['limit'] : []),
      ...(version >= 25 ? ['group_policy'] : []),
      ...(version >= 35 ? ['root_required'] : []),
      ...(version >= 36 ? ['same_subtree'] : []),
    ]),
    handle: async (input) => {
      const { context, query, queries, version } = input
      const limit = limitIn(query)
      const known = await providersOf(context)
      const groups = groupsIn(input, known)
      assertResources(input, groups)
      const asked = summed(groups)
      const granular = groups.filter(({ suffix }) => suffix !== '')
      const { group_policy: policy } = query
      if (policy !== undefined && policy !== 'none' && policy !== 'isolate')
        throw badRequest(`Invalid query string parameters: '${policy}' is not one of ['none', 'isolate']`)
      if (granular.length > 1 && policy === undefined)
        throw badRequest(
          'The "group_policy" parameter is required when specifying more than one "resources{N}" parameter.',
        )
      const root = traitsIn(queries.getAll('root_required'), version, (name) => isTrait(name, known))
      const apart = policy === 'isolate' && granular.length > 1
      const providers = await providersOf(context, {
        vcpus: asked.VCPU ?? 0,
        ramMib: asked.MEMORY_MB ?? 0,
        diskGib: asked.DISK_GB ?? 0,
      })
      const found = providers
        .filter(
          (provider) =>
            !apart &&
            provider.fits &&
            Object.entries(asked).every(([name, amount]) => hasRoom(provider, name, amount)) &&
            chosen(root, (name) => provider.traits.includes(name)) &&
            groups.every(
              ({ required, members, inTree }) =>
                chosen(required, (name) => provider.traits.includes(name)) &&
                chosen(members, (uuid) => provider.aggregates.includes(uuid)) &&
                (inTree === null || inTree === provider.uuid),
            ),
        )
        .slice(0, limit)
      return {
        body: {
          allocation_requests: found.map((provider) => requestOf(provider, groups, asked, version)),
          provider_summaries: Object.fromEntries(
            found.map((provider) => [provider.uuid, summaryOf(provider, asked, version)]),
          ),
        },
        ...modified(input),
      }
    },
  }),
]
