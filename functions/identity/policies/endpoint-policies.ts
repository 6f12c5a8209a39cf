import { catalogueWithPolicies } from '../../../db/queries/identity/catalogue.ts'
import { noPolicy, type PolicyPlace, policyAt, putPolicy, takePolicy } from '../../../db/queries/identity/policies.ts'
import { notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import type { Service } from '../../http/service.ts'
import { type EndpointView, endpointViews } from '../catalogue/endpoints.ts'
import { regionsOf } from '../catalogue/regions.ts'
import { servicesOf } from '../catalogue/services.ts'
import { MANAGING_ALL, READING_ALL } from '../reach.ts'
import { actionRefused, unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { collection } from '../views.ts'
import { policyOf, policyView } from './policies.ts'

/* Which policy is for which endpoint: https://docs.openstack.org/api-ref/identity/v3-ext/#os-endpoint-policy-api */

const POLICY = '/v3/policies/:id/OS-ENDPOINT-POLICY'

/** What a policy may be for, by the path that names it. */
const KINDS = [
  { path: `${POLICY}/endpoints/:endpoint`, called: 'endpoint', policy: 'for_endpoint' },
  { path: `${POLICY}/services/:service`, called: 'service', policy: 'for_service' },
  { path: `${POLICY}/services/:service/regions/:region`, called: 'region', policy: 'for_region_and_service' },
] as const

const absent = () => notFound('Could not find policy association.')

const same = (one: PolicyPlace, other: PolicyPlace): boolean =>
  one.endpointId === other.endpointId && one.serviceId === other.serviceId && one.regionId === other.regionId

const placeNamed = ({ params: { endpoint = '', service = '', region = '' } }: Input): PolicyPlace => ({
  endpointId: endpoint,
  serviceId: service,
  regionId: region,
})

/** The place that a path names; 404, in Keystone's order, for a policy, an endpoint, a service or a region that there is not. */
const placeOf = async (services: Service[], input: Input) => {
  const { context, params } = input
  const policyId = params.id!
  const own = await catalogueWithPolicies(context.db, policyId)
  if (!own.known) throw unknown('policy', policyId)
  const { endpoint = '', service = '', region = '' } = params
  if (endpoint && !(await endpointViews(services, input, own.endpoints)).some(({ id }) => id === endpoint))
    throw unknown('endpoint', endpoint)
  if (service && !(await servicesOf(context, services, own.services)).some(({ id }) => id === service))
    throw unknown('service', service)
  if (region && !(await regionsOf(context, own.regions)).some(({ id }) => id === region))
    throw unknown('region', region)
  return { policyId, place: placeNamed(input) }
}

const operationsOf = (services: () => Service[], { path, called, policy }: (typeof KINDS)[number]): Operation[] => {
  const name = (verb: string) => `${called}_policy.${verb}`
  const denial = (verb: string) => actionRefused(`identity:${verb}_policy_association_${policy}`)
  const where =
    called === 'region' ? 'the endpoints of a service in a region' : `${called === 'endpoint' ? 'an' : 'a'} ${called}`
  const entry = (action: string, policyId: string, place: PolicyPlace) => ({
    ...{ action, kind: 'policy', resourceId: policyId },
    detail: { endpoint: place.endpointId, service: place.serviceId, region: place.regionId },
  })
  return [
    operation({
      name: name('check'),
      method: 'GET',
      path,
      ...READING_ALL,
      denial: denial('check'),
      summary: `Whether a policy is for ${where}.`,
      status: 204,
      handle: async (input) => {
        // What is there proves that both sides are.
        const found = await policyAt(input.context.db, placeNamed(input))
        if (found?.id === input.params.id) return {}
        await placeOf(services(), input)
        throw absent()
      },
    }),
    operation({
      name: name('create'),
      method: 'PUT',
      path,
      ...MANAGING_ALL,
      denial: denial('create'),
      summary: `Says that a policy is for ${where}, in place of another.`,
      status: 204,
      handle: async (input) => {
        const { context } = input
        const { policyId, place } = await placeOf(services(), input)
        const rules = [{ violated: noPolicy(policyId), refusal: unknown('policy', policyId) }]
        await commitIf(context, rules, entry('associate', policyId, place), [putPolicy(context.db, policyId, place)])
        return {}
      },
    }),
    operation({
      name: name('delete'),
      method: 'DELETE',
      path,
      ...MANAGING_ALL,
      denial: denial('delete'),
      summary: `Says that a policy is for ${where} no more.`,
      status: 204,
      handle: async (input) => {
        const { context } = input
        const { policyId, place } = await placeOf(services(), input)
        await commitIf(context, [], entry('dissociate', policyId, place), [takePolicy(context.db, policyId, place)])
        return {}
      },
    }),
  ]
}

/** The region of an endpoint and those that it is within, nearest first. */
const above = (regions: { id: string; parentId: string | null }[], id: string | null): string[] => {
  const found: string[] = []
  for (let at = id; at !== null && !found.includes(at); at = regions.find((each) => each.id === at)?.parentId ?? null)
    found.push(at)
  return found
}

/** Which policy is for an endpoint: one for itself, else for its service in the nearest region, else for its service. */
const policyFor = (
  endpoint: Pick<EndpointView, 'id' | 'service_id' | 'region_id'>,
  places: (PolicyPlace & { policyId: string })[],
  regions: { id: string; parentId: string | null }[],
): string | undefined => {
  const of = (place: PolicyPlace) => places.find((row) => same(row, place))?.policyId
  const service = { endpointId: '', serviceId: endpoint.service_id }
  return (
    of({ endpointId: endpoint.id, serviceId: '', regionId: '' }) ??
    above(regions, endpoint.region_id)
      .map((regionId) => of({ ...service, regionId }))
      .find((each) => each !== undefined) ??
    of({ ...service, regionId: '' })
  )
}

export const endpointPolicyOperations = (services: () => Service[]): Operation[] => [
  ...KINDS.flatMap((kind) => operationsOf(services, kind)),
  operation({
    name: 'policy_endpoint.list',
    method: 'GET',
    path: `${POLICY}/endpoints`,
    ...READING_ALL,
    denial: actionRefused('identity:list_endpoints_for_policy'),
    summary: 'The endpoints that a policy is for.',
    status: 200,
    handle: async (input) => {
      const id = input.params.id!
      const own = await catalogueWithPolicies(input.context.db, id)
      if (!own.known) throw unknown('policy', id)
      const regions = await regionsOf(input.context, own.regions)
      const all = await endpointViews(services(), input, own.endpoints)
      const those = all.filter((each) => policyFor(each, own.places, regions) === id)
      return collection('endpoints', those, input.base, `/policies/${id}/OS-ENDPOINT-POLICY/endpoints`)
    },
  }),
  operation({
    name: 'endpoint_policy.get',
    method: 'GET',
    path: '/v3/endpoints/:endpoint/OS-ENDPOINT-POLICY/policy',
    ...READING_ALL,
    denial: actionRefused('identity:get_policy_for_endpoint'),
    summary: 'The policy of an endpoint: its own, else that of its service in its region, else that of its service.',
    status: 200,
    handle: async (input) => {
      const id = input.params.endpoint!
      const itsOwn = await policyAt(input.context.db, placeNamed(input))
      if (itsOwn) return { body: { policy: policyView(itsOwn, input.base) } }
      const own = await catalogueWithPolicies(input.context.db, '')
      const endpoint = (await endpointViews(services(), input, own.endpoints)).find((each) => each.id === id)
      if (!endpoint) throw unknown('endpoint', id)
      const policyId = policyFor(endpoint, own.places, await regionsOf(input.context, own.regions))
      if (policyId === undefined) throw notFound(`No policy is associated with endpoint ${id}.`)
      return { body: { policy: policyView(await policyOf(input.context, policyId), input.base) } }
    },
  }),
]
