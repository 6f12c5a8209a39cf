import { dialects } from '../http/dialects.ts'
import type { Operation } from '../http/operation.ts'
import type { Service } from '../http/service.ts'
import { accessRuleOperations } from './access-rules.ts'
import { applicationCredentialOperations } from './application-credentials.ts'
import { catalogOperations } from './catalog.ts'
import { endpointOperations } from './catalogue/endpoints.ts'
import { regionOperations } from './catalogue/regions.ts'
import { serviceOperations } from './catalogue/services.ts'
import { credentialOperations } from './credentials/credentials.ts'
import { ec2CredentialOperations } from './credentials/ec2.ts'
import { trustOperations } from './credentials/trusts.ts'
import { domainOperations } from './directory/domains.ts'
import { groupMemberOperations } from './directory/group-members.ts'
import { groupOperations } from './directory/groups.ts'
import { projectTagOperations } from './directory/project-tags.ts'
import { projectOperations } from './directory/projects.ts'
import { userOperations } from './directory/users.ts'
import { roleAssignmentOperations } from './grants/assignments.ts'
import { grantOperations } from './grants/grants.ts'
import { impliedRoleOperations } from './grants/implied-roles.ts'
import { actionDenied, refuse } from './refusals.ts'
import { roleOperations } from './roles.ts'
import { scopeOperations } from './scopes.ts'
import { tokenOperations } from './tokens.ts'
import { versionOperations } from './versions.ts'

/** Keystone v3. `services` gives every API of the broker, this one included: the catalogue is derived from it. */
export const identityService = (services: () => Service[]): Service => ({
  types: ['identity'],
  name: 'keystone',
  prefix: '/identity',
  endpoint: '/identity',
  dialect: dialects.identity,
  operations: [
    ...versionOperations,
    ...tokenOperations(services),
    ...catalogOperations(services),
    ...serviceOperations(services),
    ...endpointOperations(services),
    ...regionOperations,
    ...scopeOperations,
    ...domainOperations,
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
    ...trustOperations,
  ].map(inKeystonesWords),
  refuse,
})

const inKeystonesWords = (operation: Operation): Operation => ({
  ...operation,
  denial: operation.denial ?? actionDenied(operation.name),
})
