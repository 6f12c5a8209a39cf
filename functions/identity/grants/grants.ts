import { deleteGrant, type Granted, grantedAt, insertGrant, type Place } from '../../../db/queries/identity/grants.ts'
import { SYSTEM } from '../../../db/queries/identity/held.ts'
import { isGone } from '../../../db/queries/identity/holding.ts'
import { commit } from '../../broker/line/commit.ts'
import type { Caller } from '../../context.ts'
import { forbidden, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { MANAGING, MANAGING_ALL, READING, READING_ALL } from '../reach.ts'
import { actionDenied, actionRefused, unknown } from '../refusals.ts'
import { HANDED_ON, roleFields } from '../roles.ts'
import { commitIf, type Rule } from '../rules.ts'
import { collection, selfLink } from '../views.ts'

type Kind = Pick<Place, 'actor' | 'target' | 'inherited'>

/**
 * Whether a token for a domain may hand on a role: those that count there alone, and by an administrator of the domain that of
 * an administrator of it, and the domain's own, which stand for what the deployment's administrator made them.
 */
const handsOn = ({ roles }: Caller, { target, inherited }: Kind, { name, domainId }: NonNullable<Granted['role']>) =>
  (domainId !== '' && roles.includes('admin')) ||
  (domainId === '' && HANDED_ON.includes(name)) ||
  (domainId === '' && name === 'admin' && roles.includes('admin') && target === 'domain' && !inherited)

/** Whether the caller's token reaches both sides of a grant, and the role. */
const reaches = (
  caller: Caller,
  kind: Kind,
  { actorDomain, targetDomain, role }: Granted,
  changes: boolean,
): boolean => {
  const { domain } = caller
  if (!domain) return true
  if (actorDomain !== domain.id || targetDomain !== domain.id) return false
  if (role && role.domainId !== '' && role.domainId !== domain.id) return false
  return !changes || !role || handsOn(caller, kind, role)
}

/** The place of the path with what is granted there. 404 in the order in which Keystone looks: actor, target, role. */
const placeOf = async (kind: Kind, { context, params }: Input, operation: string, changes = false) => {
  const place: Place = {
    ...kind,
    actorId: params.actor!,
    targetId: kind.target === 'system' ? SYSTEM : params.target!,
  }
  const granted = await grantedAt(context.db, place, params.role)
  if (!reaches(context.caller!, kind, granted, changes)) throw forbidden(actionDenied(operation))
  if (granted.actorDomain === null) throw unknown(kind.actor, place.actorId)
  if (granted.targetDomain === null) throw unknown(kind.target, place.targetId)
  if (params.role !== undefined && !granted.role) throw unknown('role', params.role)
  return { place, granted }
}

const assertGranted = ({ actorId, targetId }: Place, roles: Granted['roles'], role: string): void => {
  if (!roles.some(({ id }) => id === role))
    throw notFound(
      `Could not find role assignment with role: ${role}, user or group: ${actorId}, project, domain, or system: ${targetId}.`,
    )
}

/** A role of one domain is good within it alone (keystone/assignment/core.py, `create_grant`). */
const assertInDomain = ({ target, targetId }: Place, { role, targetDomain }: Granted): void => {
  if (!role || role.domainId === '') return
  if (target === 'system') throw forbidden(actionRefused('Roles of a domain cannot be granted on the system'))
  if (role.domainId !== targetDomain)
    throw forbidden(
      `Assigning role ${role.id} of domain ${role.domainId} to ${target} ${targetId} of domain ${targetDomain} is not allowed.`,
    )
}

/** What the operations of one kind of grant are called, and by which policy they are refused. */
interface Names {
  prefix: string
  policy: (verb: 'create' | 'check' | 'revoke' | 'list') => string
}

const operationsOf = (kind: Kind, path: string, { prefix, policy }: Names): Operation[] => {
  const { actor, target, inherited } = kind
  const end = inherited ? '/inherited_to_projects' : ''
  const [one, many] = [`${path}/roles/:role${end}`, `${path}/roles${end}`]
  const where = inherited ? `the projects below a ${target}` : target === 'system' ? 'the system' : `a ${target}`
  const [reading, managing] = target === 'system' ? [READING_ALL, MANAGING_ALL] : [READING, MANAGING]
  const denial = (verb: Parameters<Names['policy']>[0]) => actionRefused(`identity:${policy(verb)}`)
  return [
    operation({
      name: `${prefix}.list`,
      method: 'GET',
      path: many,
      ...reading,
      denial: denial('list'),
      summary: `The roles that a ${actor} was granted on ${where}.`,
      status: 200,
      handle: async (input) => {
        const { granted } = await placeOf(kind, input, `${prefix}.list`)
        const { base, params } = input
        const views = granted.roles.map((row) => ({
          ...roleFields(row),
          links: selfLink(base, `/roles/${row.id}`),
        }))
        const self = many
          .slice(3)
          .replace(':target', params.target ?? '')
          .replace(':actor', params.actor!)
        return collection('roles', views, base, self)
      },
    }),
    operation({
      name: `${prefix}.check`,
      method: 'GET',
      path: one,
      ...reading,
      denial: denial('check'),
      summary: `Whether a ${actor} was granted a role on ${where}.`,
      status: 204,
      handle: async (input) => {
        const { place, granted } = await placeOf(kind, input, `${prefix}.check`)
        assertGranted(place, granted.roles, input.params.role!)
        return {}
      },
    }),
    operation({
      name: `${prefix}.create`,
      method: 'PUT',
      path: one,
      ...managing,
      denial: denial('create'),
      summary: `Grants a ${actor} a role on ${where}. A token has what it was issued with, as far as that still holds.`,
      status: 204,
      handle: async (input) => {
        const { context } = input
        const role = input.params.role!
        const { place, granted } = await placeOf(kind, input, `${prefix}.create`, true)
        assertInDomain(place, granted)
        const entry = entryOf('assign_role', place, role)
        await commitIf(context, bothSidesHold(place, role), entry, [insertGrant(context.db, place, role)])
        return {}
      },
    }),
    operation({
      name: `${prefix}.revoke`,
      method: 'DELETE',
      path: one,
      ...managing,
      denial: denial('revoke'),
      summary: `Takes a role on ${where} from a ${actor}, and from tokens for it; one without any role left is revoked.${
        target === 'project' && !inherited ? ' The application credentials there are deleted.' : ''
      }`,
      status: 204,
      handle: async (input) => {
        const { context } = input
        const role = input.params.role!
        const { place, granted } = await placeOf(kind, input, `${prefix}.revoke`, true)
        assertGranted(place, granted.roles, role)
        await commit(context, entryOf('unassign_role', place, role), [...deleteGrant(context.db, place, role)])
        return {}
      },
    }),
  ]
}

/** What there has to be when a role is granted; 404. */
const bothSidesHold = ({ actor, actorId, target, targetId }: Place, role: string): Rule[] => [
  { violated: isGone(actor, actorId), refusal: unknown(actor, actorId) },
  ...(target === 'system' ? [] : [{ violated: isGone(target, targetId), refusal: unknown(target, targetId) }]),
  { violated: isGone('role', role), refusal: unknown('role', role) },
]

const entryOf = (action: string, place: Place, role: string) => ({
  action,
  kind: place.actor,
  resourceId: place.actorId,
  detail: { [place.target]: place.targetId, role, ...(place.inherited ? { inherited: true } : {}) },
})

const ACTORS = ['user', 'group'] as const
const policyOfGrants: Names['policy'] = (verb) => `${verb}_grant${verb === 'list' ? 's' : ''}`

/** Grants of roles to users and groups, on projects, domains and the system, and on what is below these. */
export const grantOperations: Operation[] = ACTORS.flatMap((actor) => [
  ...(['project', 'domain'] as const).flatMap((target) => [
    ...operationsOf({ actor, target, inherited: false }, `/v3/${target}s/:target/${actor}s/:actor`, {
      prefix: `${target}_${actor}_grant`,
      policy: policyOfGrants,
    }),
    ...operationsOf({ actor, target, inherited: true }, `/v3/OS-INHERIT/${target}s/:target/${actor}s/:actor`, {
      prefix: `inherited_${target}_${actor}_grant`,
      policy: policyOfGrants,
    }),
  ]),
  ...operationsOf({ actor, target: 'system', inherited: false }, `/v3/system/${actor}s/:actor`, {
    prefix: `system_${actor}_grant`,
    policy: (verb) => `${verb}_system_grant${verb === 'list' ? 's' : ''}_for_${actor}`,
  }),
])
