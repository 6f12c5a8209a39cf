import * as z from 'zod'
import {
  type AccessRule,
  accessRuleOf,
  accessRulesOf,
  deleteAccessRule,
  ruleInUse,
} from '../../db/queries/identity/application-credentials.ts'
import { commit, guard } from '../broker/line/commit.ts'
import { Refused } from '../broker/line/refused.ts'
import type { Context } from '../context.ts'
import { badRequest, forbidden } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { inexactly } from './filters.ts'
import { ownOrSystem } from './reach.ts'
import { unknown } from './refusals.ts'
import { collection, selfLink } from './views.ts'

/** As keystone/application_credential/schema.py takes it. */
const id = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[a-zA-Z0-9-]+$/)
/** One of the user's by its id, or a request. */
export const ruleBody = z.strictObject({
  id: id.optional(),
  service: id.optional(),
  method: z.enum(['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT']).optional(),
  path: z.string().max(225).regex(/^\//).optional(),
})
type Given = z.infer<typeof ruleBody>

const MANY = '/v3/users/:user/access_rules'
const ONE = `${MANY}/:id`
const IN_USE = 'access_rule_in_use'

/** The rules that a credential asks for, those of the user that are named by id among them. 400 for half a rule. */
export const rulesFor = (asked: Given[], own: AccessRule[], { newId }: Pick<Context, 'newId'>): AccessRule[] =>
  asked.map((given) => {
    const known = own.find((rule) => rule.id === given.id)
    if (given.id !== undefined && !known) throw invalid(`Could not find Access Rule: ${given.id}.`)
    const { service, method, path } = { ...known, ...given }
    if (service === undefined || method === undefined || path === undefined)
      throw invalid('An access rule is of a service, a method and a path.')
    if (known && (known.service !== service || known.method !== method || known.path !== path))
      throw invalid(`Access Rule ${known.id} is another.`)
    return known ?? { id: newId().replaceAll('-', ''), service, method, path }
  })
const invalid = (detail: string) => badRequest(`Invalid application credential: ${detail}`)

const view = (rule: AccessRule, userId: string, base: string) => ({
  ...rule,
  links: selfLink(base, `/users/${userId}/access_rules/${rule.id}`),
})

/** What the access rules of a user's application credentials are made of. */
export const accessRuleOperations: Operation[] = [
  operation({
    name: 'access_rule.list',
    method: 'GET',
    path: MANY,
    who: 'authenticated',
    summary:
      "The access rules that a user's application credentials have or had; filters `service`, `path` and `method`, exact or not; of somebody else only to readers of the system.",
    status: 200,
    handle: async ({ context, params, query, queries, base }) => {
      const user = params.user!
      ownOrSystem(context.caller!, 'reader', context.caller!.userId === user, 'access_rule.list', false)
      const { service, path, method } = query
      const rows = await accessRulesOf(context.db, user, { service, path, method })
      const views = rows.map((rule) => view(rule, user, base))
      const left = inexactly(queries, ['service', 'path', 'method'], views)
      return collection('access_rules', left, base, `/users/${user}/access_rules`)
    },
  }),
  operation({
    name: 'access_rule.get',
    method: 'GET',
    path: ONE,
    who: 'authenticated',
    summary: 'One access rule; of somebody else only to readers of the system.',
    status: 200,
    handle: async ({ context, params, base }) => {
      const user = params.user!
      ownOrSystem(context.caller!, 'reader', context.caller!.userId === user, 'access_rule.get', false)
      const rule = await accessRuleOf(context.db, user, params.id!)
      if (!rule) throw unknown('Access Rule', params.id!)
      return { body: { access_rule: view(rule, user, base) } }
    },
  }),
  operation({
    name: 'access_rule.delete',
    method: 'DELETE',
    path: ONE,
    who: 'authenticated',
    summary: 'Removes an access rule that no application credential has any more.',
    status: 204,
    handle: async ({ context, params }) => {
      const user = params.user!
      ownOrSystem(context.caller!, 'admin', context.caller!.userId === user, 'access_rule.delete', false)
      const rule = await accessRuleOf(context.db, user, params.id!)
      if (!rule) throw unknown('Access Rule', params.id!)
      await commit(context, { action: 'delete', kind: 'access_rule', resourceId: rule.id }, [
        guard(context, IN_USE, ruleInUse(rule.id)),
        deleteAccessRule(context.db, rule.id),
      ])
      return {}
    },
    refuse: (error) =>
      error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === IN_USE
        ? forbidden('May not delete access rule in use')
        : undefined,
  }),
]
