import { dialects } from '../http/dialects.ts'
import type { Operation } from '../http/operation.ts'
import type { Service } from '../http/service.ts'
import { accessRuleOperations } from './access-rules.ts'
import { applicationCredentialOperations } from './application-credentials.ts'
import { catalogOperations } from './catalog.ts'
import { domainOperations } from './domains.ts'
import { groupOperations } from './groups.ts'
import { projectOperations } from './projects.ts'
import { actionDenied, refuse } from './refusals.ts'
import { roleAssignmentOperations } from './role-assignments.ts'
import { roleOperations } from './roles.ts'
import { scopeOperations } from './scopes.ts'
import { tokenOperations } from './tokens.ts'
import { userOperations } from './users.ts'
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
    ...scopeOperations,
    ...domainOperations,
    ...projectOperations,
    ...userOperations,
    ...roleOperations,
    ...roleAssignmentOperations,
    ...groupOperations,
    ...applicationCredentialOperations,
    ...accessRuleOperations,
  ].map(inKeystonesWords),
  refuse,
})

const inKeystonesWords = (operation: Operation): Operation => ({ ...operation, denial: actionDenied(operation.name) })
