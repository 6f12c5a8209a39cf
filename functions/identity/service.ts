import type { Token } from '../auth/token.ts'
import type { Caller } from '../context.ts'
import { dialects } from '../http/dialects.ts'
import { forbidden } from '../http/fault.ts'
import type { Operation } from '../http/operation.ts'
import type { Service } from '../http/service.ts'
import { accessRuleOperations } from './access-rules.ts'
import { applicationCredentialOperations } from './application-credentials.ts'
import { catalogOperations } from './catalog.ts'
import { endpointFilterOperations } from './catalogue/endpoint-filter.ts'
import { endpointGroupOperations } from './catalogue/endpoint-groups.ts'
import { endpointOperations } from './catalogue/endpoints.ts'
import { regionOperations } from './catalogue/regions.ts'
import { serviceOperations } from './catalogue/services.ts'
import { credentialOperations } from './credentials/credentials.ts'
import { ec2CredentialOperations } from './credentials/ec2.ts'
import { signedTokenOperations } from './credentials/signed-tokens.ts'
import { trustOperations } from './credentials/trusts.ts'
import { domainConfigOperations } from './directory/domain-config.ts'
import { domainOperations } from './directory/domains.ts'
import { groupMemberOperations } from './directory/group-members.ts'
import { groupOperations } from './directory/groups.ts'
import { projectTagOperations } from './directory/project-tags.ts'
import { projectOperations } from './directory/projects.ts'
import { userOperations } from './directory/users.ts'
import { federatedAuthOperations } from './federation/auth.ts'
import { identityProviderOperations } from './federation/identity-providers.ts'
import { mappingOperations } from './federation/mappings.ts'
import { protocolOperations } from './federation/protocols.ts'
import { serviceProviderOperations } from './federation/service-providers.ts'
import { webssoOperations } from './federation/websso.ts'
import { roleAssignmentOperations } from './grants/assignments.ts'
import { grantOperations } from './grants/grants.ts'
import { impliedRoleOperations } from './grants/implied-roles.ts'
import { limitOperations } from './limits/limits.ts'
import { registeredLimitOperations } from './limits/registered-limits.ts'
import { accessTokenOperations } from './oauth/access-tokens.ts'
import { consumerOperations } from './oauth/consumers.ts'
import { requestTokenOperations } from './oauth/request-tokens.ts'
import { endpointPolicyOperations } from './policies/endpoint-policies.ts'
import { policyOperations } from './policies/policies.ts'
import { actionDenied, refuse } from './refusals.ts'
import { roleOperations } from './roles.ts'
import { scopeOperations } from './scopes.ts'
import { tokenOperations } from './tokens.ts'
import { versionOperations } from './versions.ts'
import { linkingToItself } from './views.ts'

/** Keystone v3. `services` gives every API of the broker, this one included: the catalogue is derived from it. */
export const identityService = (services: () => Service[]): Service => ({
  types: ['identity'],
  name: 'keystone',
  prefix: '/identity',
  endpoint: '/identity',
  // keystone/server/flask/request_processing: trailing slashes are taken off.
  takesSlashes: true,
  // keystone/server/flask/application.py, `_add_vary_x_auth_token_header`.
  headers: { Vary: 'X-Auth-Token' },
  dialect: dialects.identity,
  operations: [
    ...versionOperations,
    ...tokenOperations(services),
    ...catalogOperations(services),
    ...serviceOperations(services),
    ...endpointOperations(services),
    ...endpointGroupOperations(services),
    ...endpointFilterOperations(services),
    ...regionOperations,
    ...policyOperations,
    ...endpointPolicyOperations(services),
    ...registeredLimitOperations(services),
    ...limitOperations(services),
    ...scopeOperations,
    ...domainOperations,
    ...domainConfigOperations,
    ...projectOperations,
    ...projectTagOperations,
    ...userOperations,
    ...roleOperations,
    ...impliedRoleOperations,
    ...grantOperations,
    ...roleAssignmentOperations,
    ...groupOperations,
    ...groupMemberOperations,
    ...applicationCredentialOperations,
    ...accessRuleOperations,
    ...credentialOperations,
    ...ec2CredentialOperations,
    ...signedTokenOperations(services),
    ...trustOperations,
    ...consumerOperations,
    ...requestTokenOperations,
    ...accessTokenOperations,
    ...identityProviderOperations,
    ...protocolOperations,
    ...mappingOperations,
    ...serviceProviderOperations,
    ...federatedAuthOperations(services),
    ...webssoOperations,
  ].map((operation) => linkingToItself(inKeystonesWords(operation))),
  refuse,
})

const inKeystonesWords = (operation: Operation): Operation => ({
  ...operation,
  denial: operation.denial ?? actionDenied(operation.name),
  handle: (input) => {
    assertMayAsk(input.context.caller)
    return operation.handle(input)
  },
})

/** A token that was got by EC2 credentials is good for other services alone (keystone, middleware/auth_context.py). */
const assertMayAsk = (caller: (Caller & Partial<Token>) | null): void => {
  if (caller?.methods?.includes('ec2credential'))
    throw forbidden('EC2 credential tokens cannot be used for authorization.')
}
