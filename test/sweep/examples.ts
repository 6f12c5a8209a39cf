import * as z from 'zod'
import { Fault } from '../../functions/http/fault.ts'
import type { Schema } from '../support/json-schema.ts'
import { type Route, titleOf, versionOf } from './calls.ts'

const UUID = '11111111-2222-4333-8444-555555555555'
const routes = { router: { routes: [{ destination: '10.9.0.0/24', nexthop: '10.0.0.9' }] } }

const qosRules = (type: string, body: object): Record<string, unknown[]> => {
  const path = `/network/v2.0/qos/policies/:policy_id/${type}_rules`
  const alias = `PUT /network/v2.0/qos/alias-${type.replaceAll('_', '-')}-rules/:id`
  return {
    [`POST ${path}`]: [{ [`${type}_rule`]: body }],
    [`PUT ${path}/:id`]: [{ [`${type}_rule`]: body }],
    [alias]: [{ [`alias_${type}_rule`]: body }],
  }
}

/** Bodies for schemas that say more than a JSON schema can, by method and path without the project's id. */
const BY_HAND: Record<string, unknown[]> = {
  'POST /compute/v2.1/servers/:id/os-volume_attachments': [{ volumeAttachment: { volumeId: UUID } }],
  'PUT /compute/v2.1/servers/:id/os-volume_attachments/:volume': [{ volumeAttachment: { volumeId: UUID } }],
  'PUT /compute/v2.1/os-aggregates/:id': [{ aggregate: { name: 'a' } }],
  'POST /compute/v2.1/os-aggregates/:id/images': [{ cache: [{ id: UUID }] }],
  'PUT /volume/v3/volumes/:id': [{ volume: { name: 'a' } }],
  'PUT /volume/v3/snapshots/:id': [{ snapshot: { name: 'a' } }],
  'PUT /volume/v3/backups/:id': [{ backup: { name: 'a' } }],
  'PUT /volume/v3/os-quota-sets/:id': [{ quota_set: { volumes: 1 } }],
  'PUT /network/v2.0/routers/:id/add_router_interface': [{ subnet_id: UUID }, { port_id: UUID }],
  'PUT /network/v2.0/routers/:id/remove_router_interface': [{ subnet_id: UUID }, { port_id: UUID }],
  'PUT /network/v2.0/routers/:id/add_extraroutes': [routes],
  'PUT /network/v2.0/routers/:id/remove_extraroutes': [routes],
  'PUT /network/v2.0/segments/:id': [{ segment: { name: 'a' } }],
  'PUT /network/v2.0/subnetpools/:id': [{ subnetpool: { name: 'a' } }],
  'PUT /network/v2.0/subnetpools/:id/add_prefixes': [{ prefixes: ['10.9.0.0/24'] }],
  'PUT /network/v2.0/subnetpools/:id/remove_prefixes': [{ prefixes: ['10.9.0.0/24'] }],
  'PUT /network/v2.0/subnetpools/:id/onboard_network_subnets': [{ network_id: UUID }],
  'PUT /network/v2.0/subnetpools/:id/tags': [{ tags: ['a'] }],
  'PUT /network/v2.0/address-groups/:id': [{ address_group: { name: 'a' } }],
  'PUT /network/v2.0/address-groups/:id/add_addresses': [{ addresses: ['10.9.0.0/24'] }],
  'PUT /network/v2.0/address-groups/:id/remove_addresses': [{ addresses: ['10.9.0.0/24'] }],
  'PUT /network/v2.0/rbac-policies/:id': [{ rbac_policy: { target_tenant: UUID } }],
  'PUT /volume/v3/os-quota-class-sets/:id': [{ quota_class_set: { volumes: 1 } }],
  'PUT /network/v2.0/address-scopes/:id': [{ address_scope: { name: 'a' } }],
  'POST /network/v2.0/qos/policies': [{ policy: { name: 'a' } }],
  'PUT /network/v2.0/qos/policies/:id': [{ policy: { name: 'a' } }],
  'PUT /network/v2.0/policies/:id/tags': [{ tags: ['a'] }],
  ...qosRules('bandwidth_limit', { max_kbps: 1 }),
  ...qosRules('dscp_marking', { dscp_mark: 8 }),
  ...qosRules('minimum_bandwidth', { min_kbps: 1 }),
  'PUT /broker/v1/links': [{ links: [] }],
  'PUT /identity/v3/OS-FEDERATION/service_providers/:id': [
    { service_provider: { auth_url: 'http://example.org', sp_url: 'http://example.org' } },
  ],
  'PATCH /identity/v3/registered_limits/:id': [{ registered_limit: { default_limit: 1 } }],
  'PATCH /identity/v3/credentials/:id': [{ credential: { type: 'cert' } }],
  'PATCH /identity/v3/endpoints/:id': [{ endpoint: { enabled: false } }],
  'POST /identity/v3/endpoints': [{ endpoint: { interface: 'public', url: 'http://example.org', service_id: 'a' } }],
  'POST /broker/v1/bursts': [{ name: 'a', count: { min: 1, max: 2 }, flavor: '1', image: UUID }],
  'PATCH /broker/v1/bursts/:id': [{ count: { min: 1, max: 2 } }],
  'PUT /broker/v1/clouds/:name/prices': [{ prices: { currency: 'USD', sizes: { a: 1 } } }],
  'PUT /broker/v1/rates': [{ rates: { currency: 'USD', of: { EUR: { rate: 1 } } } }],
  'PUT /broker/v1/projects/:project/network-plan': [{ plan: { routed: false } }],
  'PUT /broker/v1/projects/:project/quotas/image': [{ quota: { image_count_total: 1 } }],
  'PUT /network/v2.0/quotas/:id': [{ quota: { network: 1 } }],
  ...Object.fromEntries(
    ['network', 'subnet', 'port', 'router', 'security-group', 'floatingip'].flatMap((noun) => [
      [`PUT /network/v2.0/${noun}s/:id`, [{ [noun.replace('-', '_')]: { description: 'a' } }]],
      [`PUT /network/v2.0/${noun}s/:id/tags`, [{ tags: ['a'] }]],
    ]),
  ),
}

/** A schema that throws its own fault has refused too. */
export const takes = (schema: z.ZodType, value: unknown): boolean => {
  try {
    return schema.safeParse(value).success
  } catch (error) {
    if (error instanceof Fault) return false
    throw error
  }
}

/** The schema of the body at the newest microversion that has the route. */
export const schemaOf = (route: Route): z.ZodType | undefined => {
  const { body } = route.operation
  return typeof body === 'function' ? body(versionOf(route)) : body
}

/** Bodies that the operation takes: one for each alternative. Throws for a schema that needs one by hand. */
export const bodiesFor = (route: Route): unknown[] => {
  const schema = schemaOf(route)
  if (!schema) return [undefined]
  const title = titleOf(route).replace(/\/:project_id(\{[^}]*\})?/, '')
  const made = BY_HAND[title] ?? alternatives(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema)
  const taken = made.filter((each) => takes(schema, each))
  if (!taken.length)
    throw new Error(`${title} takes none of ${JSON.stringify(made)}: give a body in test/sweep/examples.ts.`)
  return taken
}

/** Each way of filling the outermost choice, and for an object without required members each member alone. */
const alternatives = (schema: Schema): unknown[] => {
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return choices.flatMap(alternatives)
  const { properties = {}, required = [] } = schema
  const whole = fill(schema)
  if (schema.type !== 'object' || required.length) return [whole]
  return [whole, ...Object.entries(properties).map(([key, member]) => ({ [key]: fill(member) }))]
}

const TEXTS = ['a', 'aa', '1', UUID, '10.0.0.0/24', '10.0.0.5', '/a', 'IPv4', '2026-03-01T00:00:00Z', '']

const fill = (schema: Schema): unknown => {
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf
  if (choices) return fill(choices.find(({ type }) => type !== 'null') ?? choices[0]!)
  switch (schema.type) {
    case 'object':
      return object(schema)
    case 'array':
      return Array.from({ length: schema.minItems ?? (schema.prefixItems?.length || 1) }, (_, i) =>
        fill(schema.prefixItems?.[i] ?? schema.items ?? {}),
      )
    case 'string':
      return string(schema)
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1, (schema.exclusiveMinimum ?? 0) + 1)
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return 'a'
  }
}

const object = ({
  properties = {},
  required = [],
  propertyNames,
  additionalProperties,
  minProperties,
}: Schema): unknown => {
  const members = Object.fromEntries(required.map((key) => [key, fill(properties[key] ?? {})]))
  const open = typeof additionalProperties === 'object' && (propertyNames || minProperties) && !required.length
  return open ? { [string(propertyNames ?? {})]: fill(additionalProperties) } : members
}

const string = ({ pattern, minLength = 0, format }: Schema): string => {
  if (format === 'uuid') return UUID
  if (format === 'date-time') return TEXTS[8]!
  const fits = (text: string) => text.length >= minLength && (!pattern || new RegExp(pattern, 'u').test(text))
  return TEXTS.find(fits) ?? 'a'.repeat(Math.max(1, minLength))
}
