import { createHmac } from 'node:crypto'
import type { World } from '../world.ts'
import type { Begun } from './estate-more.ts'

const NAME = 'bench'
const V3 = '/identity/v3'
const ORIGIN = 'http://127.0.0.1'

/** What extensions of identity have: policies, parts of the catalogue, options of a domain, identity providers, a consumer and its token. */
export const extensionsOfIdentity = async (
  world: World,
  { call, admin, own, ids }: Begun,
): Promise<Record<string, string>> => {
  const as = (method: string, path: string, body?: unknown) => call(method, V3 + path, body, admin)
  const first = async (path: string, key: string) => (await as('GET', path))[key][0].id
  const endpoints = await first('/endpoints', 'endpoints')
  const services = await first('/services', 'services')

  const { policy } = await as('POST', '/policies', { policy: { blob: NAME, type: NAME } })
  for (const end of [`endpoints/${endpoints}`, `services/${services}`, `services/${services}/regions/RegionOne`])
    await as('PUT', `/policies/${policy.id}/OS-ENDPOINT-POLICY/${end}`)
  // Not of the caller's project: its catalogue would be cut to this.
  const { endpoint_group } = await as('POST', '/OS-EP-FILTER/endpoint_groups', {
    endpoint_group: { name: NAME, filters: { interface: 'public' } },
  })
  await as('PUT', `/OS-EP-FILTER/endpoint_groups/${endpoint_group.id}/projects/${ids.projects}`)
  await as('PUT', `/OS-EP-FILTER/projects/${ids.projects}/endpoints/${endpoints}`)
  await as('PUT', '/domains/default/config', { config: { ldap: { url: 'ldap://example.org' } } })

  // Limits are of services of an operator's own.
  const { service } = await as('POST', '/services', { service: { name: NAME, type: NAME } })
  const limit = { service_id: service.id, resource_name: NAME }
  const { registered_limits } = await as('POST', '/registered_limits', {
    registered_limits: [{ ...limit, default_limit: 9 }],
  })
  const { limits } = await as('POST', '/limits', {
    limits: [{ ...limit, project_id: own.projectId, resource_limit: 7 }],
  })

  const federation = '/OS-FEDERATION'
  const rules = [{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'OIDC-sub' }] }]
  await as('PUT', `${federation}/mappings/${NAME}`, { mapping: { rules } })
  await as('PUT', `${federation}/identity_providers/${NAME}`, { identity_provider: { enabled: true } })
  await as('PUT', `${federation}/identity_providers/${NAME}/protocols/${NAME}`, { protocol: { mapping_id: NAME } })
  await as('PUT', `${federation}/service_providers/${NAME}`, {
    service_provider: { auth_url: 'https://example.org/auth', sp_url: 'https://example.org/sp' },
  })

  const { consumer } = await as('POST', '/OS-OAUTH1/consumers', { consumer: { description: NAME } })
  const ask = async (path: string, said: Record<string, string>, secret = '', headers = {}) => {
    const signed = {
      ...headers,
      Authorization: signatureOf(path, { oauth_consumer_key: consumer.id, ...said }, [consumer.secret, secret]),
    }
    return Object.fromEntries(
      new URLSearchParams(await (await world.send('POST', V3 + path, undefined, undefined, signed)).text()),
    )
  }
  const asked = await ask('/OS-OAUTH1/request_token', { oauth_callback: 'oob' }, '', {
    'Requested-Project-Id': own.projectId,
  })
  const { token } = await call('PUT', `${V3}/OS-OAUTH1/authorize/${asked.oauth_token}`, { roles: [{ id: ids.role }] })
  const given = await ask(
    '/OS-OAUTH1/access_token',
    { oauth_token: asked.oauth_token!, oauth_verifier: token.oauth_verifier },
    asked.oauth_token_secret,
  )
  return {
    ...{ policies: policy.id, endpoint_groups: endpoint_group.id, consumers: consumer.id },
    ...{ registered_limits: registered_limits[0].id, 'keystone/limits': limits[0].id },
    ...{ access_tokens: given.oauth_token!, config: 'ldap', ':group': 'url', security_compliance: 'password_regex' },
    ...{ identity_providers: NAME, protocols: NAME, mappings: NAME, service_providers: NAME },
  }
}

/** As a client of OAuth 1.0a signs a POST (RFC 5849). */
const signatureOf = (
  path: string,
  said: Record<string, string>,
  secrets: [consumer: string, token: string],
): string => {
  const oauth: Record<string, string> = {
    ...{ oauth_nonce: crypto.randomUUID(), oauth_signature_method: 'HMAC-SHA1', oauth_version: '1.0' },
    ...{ oauth_timestamp: String(Math.floor(Date.now() / 1000)), ...said },
  }
  const pairs = Object.entries(oauth).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  const base = ['POST', ORIGIN + V3 + path, pairs.sort().join('&')].map(encodeURIComponent).join('&')
  const key = secrets.map(encodeURIComponent).join('&')
  const oauth_signature = createHmac('sha1', key).update(base).digest('base64')
  const all = Object.entries({ ...oauth, oauth_signature })
  return `OAuth ${all.map(([name, value]) => `${name}="${encodeURIComponent(value)}"`).join(', ')}`
}

/** What networks share, and what Placement tells of a server's zone. */
export const moreOfNetworks = async ({ call, admin, ids }: Begun, server: string): Promise<Record<string, string>> => {
  const { address_group } = await call('POST', '/network/v2.0/address-groups', {
    address_group: { name: NAME, addresses: ['10.1.0.0/16'] },
  })
  const { rbac_policy } = await call('POST', '/network/v2.0/rbac-policies', {
    rbac_policy: {
      ...{ object_type: 'network', object_id: ids.networks, target_tenant: ids.projects },
      action: 'access_as_shared',
    },
  })
  // Shared, so that everybody may look.
  const as = (method: string, path: string, body?: unknown) => call(method, `/network/v2.0${path}`, body, admin)
  const { policy } = await as('POST', '/qos/policies', { policy: { name: NAME, shared: true } })
  await as('PUT', `/policies/${policy.id}/tags/${NAME}`)
  const ruleOf = async (kind: string, rule: object): Promise<string> =>
    (await as('POST', `/qos/policies/${policy.id}/${kind}_rules`, { [`${kind}_rule`]: rule }))[`${kind}_rule`].id
  const limit = await ruleOf('bandwidth_limit', { max_kbps: 1000 })
  const mark = await ruleOf('dscp_marking', { dscp_mark: 8 })
  const least = await ruleOf('minimum_bandwidth', { min_kbps: 10 })
  const { default_security_group_rules } = await call('GET', '/network/v2.0/default-security-group-rules')
  const { resource_providers } = await call('GET', '/placement/resource_providers', undefined, admin)
  return {
    ...{ 'neutron/policies': policy.id, 'rule-types': 'bandwidth_limit' },
    ...{ bandwidth_limit_rules: limit, 'alias-bandwidth-limit-rules': limit },
    ...{ dscp_marking_rules: mark, 'alias-dscp-marking-rules': mark },
    ...{ minimum_bandwidth_rules: least, 'alias-minimum-bandwidth-rules': least },
    ...{ 'address-groups': address_group.id, 'rbac-policies': rbac_policy.id, allocations: server },
    ...{ resource_providers: resource_providers[0].uuid, inventories: 'VCPU', resource_classes: 'VCPU' },
    'default-security-group-rules': default_security_group_rules[0].id,
    'placement/traits': 'HW_ARCH_X86_64',
  }
}
