import * as z from 'zod'
import type { QosRule, QosRuleType } from '../../../db/queries/network/qos-policies.ts'
import { seenQosPolicy } from '../../broker/network/qos/policy.ts'
import {
  changeQosRule,
  createQosRule,
  type QosRuleWish,
  qosRuleAlone,
  removeQosRule,
  seenQosRule,
} from '../../broker/network/qos/rule.ts'
import type { Context } from '../../context.ts'
import { badRequest } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { oneOf, range } from '../attributes.ts'
import { changeOf, given, oneOrMany } from '../body.ts'
import { few } from '../listing.ts'
import { byAdministrators } from './administrators.ts'

/* Rules of policies: https://docs.openstack.org/api-ref/network/v2/#qos-rules; neutron_lib/api/definitions/qos.py */

/** neutron_lib/constants.py, `VALID_DSCP_MARKS`. */
const MARKS = [0, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 46, 48, 56] as const

/** What a rule of a type is made of, in the words of its body. `wish` gives what is written, of what was named. */
interface Worded {
  type: QosRuleType
  /** In sentences for people. */
  words: string
  create: z.ZodType<Body>
  update: z.ZodType<Body>
  wish(body: Body): Partial<QosRuleWish>
  view(rule: QosRule): Record<string, string | number>
}
interface Body {
  max_kbps?: number | undefined
  max_burst_kbps?: number | undefined
  direction?: 'egress' | 'ingress' | undefined
  dscp_mark?: number | undefined
  min_kbps?: number | undefined
}

const limit = { max_burst_kbps: range().optional(), direction: oneOf('egress', 'ingress').optional() }
const least = { direction: oneOf('egress').optional() }
const mark = () => oneOf(...MARKS)

export const WORDED: Worded[] = [
  {
    type: 'bandwidth_limit',
    words: 'bandwidth limit',
    create: z.strictObject({ ...limit, max_kbps: range() }),
    update: z.strictObject({ ...limit, max_kbps: range().optional() }),
    wish: ({ max_kbps: value, max_burst_kbps: burst, direction }) => given({ value, burst, direction }),
    view: ({ value, burst, direction }) => ({ max_kbps: value, max_burst_kbps: burst, direction }),
  },
  {
    type: 'dscp_marking',
    words: 'DSCP marking',
    create: z.strictObject({ dscp_mark: mark() }),
    update: z.strictObject({ dscp_mark: mark().optional() }),
    wish: ({ dscp_mark: value }) => given({ value }),
    view: ({ value }) => ({ dscp_mark: value }),
  },
  {
    type: 'minimum_bandwidth',
    words: 'minimum bandwidth',
    create: z.strictObject({ ...least, min_kbps: range() }),
    update: z.strictObject({ ...least, min_kbps: range().optional() }),
    wish: ({ min_kbps: value, direction }) => given({ value, direction }),
    view: ({ value, direction }) => ({ min_kbps: value, direction }),
  },
]

/** A rule as its policy shows it. */
export const ruleInPolicy = (rule: QosRule) => ({
  id: rule.id,
  qos_policy_id: rule.policyId,
  type: rule.type,
  ...WORDED.find(({ type }) => type === rule.type)!.view(rule),
})

const rulesOf = ({ type, words, ...worded }: Worded): Operation[] => {
  const resource = `${type}_rule`
  const alias = `alias_${resource}`
  const path = `/v2.0/qos/policies/:policy_id/${resource}s`
  const aliasPath = `/v2.0/qos/${alias.replaceAll('_', '-')}s`
  const view = (rule: QosRule) => ({ id: rule.id, ...worded.view(rule) })
  const change = async (context: Context, policyId: string, id: string, body: Body) =>
    view(await changeQosRule(context, policyId, type, id, worded.wish(body)))
  const alone = ({ context, params }: { context: Context; params: Record<string, string> }) =>
    qosRuleAlone(context, type, params.id!)
  return [
    operation({
      name: `policy_${resource}.list`,
      method: 'GET',
      path,
      who: 'reader',
      summary: `Lists the ${words} rules of a QoS policy.`,
      status: 200,
      handle: async ({ context, params, queries }) => {
        const { rules } = await seenQosPolicy(context, params.policy_id!)
        const views = rules.filter((rule) => rule.type === type).map(view)
        const keys = ['id', ...Object.keys(worded.view({ value: 0, burst: 0, direction: '' } as QosRule))]
        return { body: { [`${resource}s`]: few(views, keys, queries) } }
      },
    }),
    operation({
      name: `policy_${resource}.get`,
      method: 'GET',
      path: `${path}/:id`,
      who: 'reader',
      summary: `Shows a ${words} rule of a QoS policy.`,
      status: 200,
      handle: async ({ context, params }) => ({
        body: { [resource]: view(await seenQosRule(context, params.policy_id!, type, params.id!)) },
      }),
    }),
    byAdministrators(
      operation({
        name: `policy_${resource}.create`,
        method: 'POST',
        path,
        who: 'admin',
        summary: `Adds a ${words} rule to a QoS policy${type === 'bandwidth_limit' ? '; ports that have it go by it from then on' : '; refused while a port or a network has it, as no cloud keeps such'}.`,
        status: 201,
        body: oneOrMany(resource, `${resource}s`, worded.create),
        handle: async ({ context, params, body: { wishes, bulk } }) => {
          if (bulk && wishes.length > 1) throw badRequest('Rules of a QoS policy are created one at a time')
          const direction = type === 'dscp_marking' ? ('' as const) : ('egress' as const)
          const wish = { direction, burst: 0, value: 0, ...worded.wish(wishes[0]!) }
          const made = view(await createQosRule(context, params.policy_id!, type, wish))
          return { body: bulk ? { [`${resource}s`]: [made] } : { [resource]: made } }
        },
      }),
    ),
    byAdministrators(
      operation({
        name: `policy_${resource}.update`,
        method: 'PUT',
        path: `${path}/:id`,
        who: 'admin',
        summary: `Changes a ${words} rule of a QoS policy.`,
        status: 200,
        body: changeOf(resource, worded.update, ['id']),
        handle: async ({ context, params, body }) => ({
          body: { [resource]: await change(context, params.policy_id!, params.id!, body) },
        }),
      }),
      ({ context, params }) => seenQosRule(context, params.policy_id!, type, params.id!),
    ),
    byAdministrators(
      operation({
        name: `policy_${resource}.delete`,
        method: 'DELETE',
        path: `${path}/:id`,
        who: 'admin',
        summary: `Takes a ${words} rule out of a QoS policy.`,
        status: 204,
        handle: async ({ context, params }) => {
          await removeQosRule(context, params.policy_id!, type, params.id!)
          return {}
        },
      }),
      ({ context, params }) => seenQosRule(context, params.policy_id!, type, params.id!),
    ),
    operation({
      name: `${alias}.get`,
      method: 'GET',
      path: `${aliasPath}/:id`,
      who: 'reader',
      summary: `Shows a ${words} rule, by its id alone.`,
      status: 200,
      handle: async (input) => ({ body: { [alias]: view(await alone(input)) } }),
    }),
    byAdministrators(
      operation({
        name: `${alias}.update`,
        method: 'PUT',
        path: `${aliasPath}/:id`,
        who: 'admin',
        summary: `Changes a ${words} rule, by its id alone.`,
        status: 200,
        body: changeOf(alias, worded.update, ['id']),
        handle: async (input) => {
          const { policyId, id } = await alone(input)
          return { body: { [alias]: await change(input.context, policyId, id, input.body) } }
        },
      }),
      alone,
    ),
    byAdministrators(
      operation({
        name: `${alias}.delete`,
        method: 'DELETE',
        path: `${aliasPath}/:id`,
        who: 'admin',
        summary: `Takes a ${words} rule out of its QoS policy, by its id alone.`,
        status: 204,
        handle: async (input) => {
          const { policyId, id } = await alone(input)
          await removeQosRule(input.context, policyId, type, id)
          return {}
        },
      }),
      alone,
    ),
  ]
}

export const qosRuleOperations: Operation[] = WORDED.flatMap(rulesOf)
