import { typesWith } from '../../broker/clouds/lacking.ts'
import { badRequest, notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { few } from '../listing.ts'
import { WORDED } from './rules.ts'

/* Types of rules: https://docs.openstack.org/api-ref/network/v2/#qos-rule-types; neutron/objects/qos/rule_type.py */

const MOST = 2 ** 31 - 1

/** What a cloud that keeps a limit takes of one. */
const LIMIT = [
  { parameter_name: 'max_kbps', parameter_type: 'range', parameter_values: { start: 0, end: MOST } },
  { parameter_name: 'max_burst_kbps', parameter_type: 'range', parameter_values: { start: 0, end: MOST } },
  { parameter_name: 'direction', parameter_type: 'choices', parameter_values: ['ingress', 'egress'] },
]

const isSet = (key: string, value: string | null): boolean => {
  if (value === null || /^(false|0)$/i.test(value)) return false
  if (/^(true|1)$/i.test(value)) return true
  throw badRequest(`Invalid input for ${key}. Reason: '${value.slice(0, 255)}' cannot be converted to boolean.`)
}

export const qosRuleTypeOperations: Operation[] = [
  operation({
    name: 'rule_type.list',
    method: 'GET',
    path: '/v2.0/qos/rule-types',
    who: 'reader',
    summary: 'Lists the types of QoS rules that connected clouds keep; with `all_rules` all that a policy may have.',
    status: 200,
    handle: async ({ context, queries }) => {
      const [rules, supported] = ['all_rules', 'all_supported'].map((key) => isSet(key, queries.get(key)))
      if (rules && supported)
        throw badRequest(
          "Invalid input for operation: 'all_rules' and 'all_supported' are mutually exclusive.",
          'InvalidInput',
        )
      const rest = new URLSearchParams([...queries].filter(([key]) => !['all_rules', 'all_supported'].includes(key)))
      const kept = (await typesWith(context, 'port.bandwidth')).length ? ['bandwidth_limit'] : []
      const types = rules ? WORDED.map(({ type }) => type) : kept
      return {
        body: {
          rule_types: few(
            types.map((type) => ({ type })),
            ['type'],
            rest,
          ),
        },
      }
    },
  }),
  operation({
    name: 'rule_type.get',
    method: 'GET',
    path: '/v2.0/qos/rule-types/:rule_type',
    who: 'admin',
    summary: 'Shows which types of connected clouds keep a type of QoS rules, and what they take of one.',
    status: 200,
    handle: async ({ context, params }) => {
      const found = WORDED.find(({ type }) => type === params.rule_type)
      if (!found) throw notFound(`Rule type ${params.rule_type} could not be found.`, 'QosRuleTypeNotFound')
      const names = found.type === 'bandwidth_limit' ? await typesWith(context, 'port.bandwidth') : []
      const drivers = names.map((name) => ({ name, supported_parameters: LIMIT }))
      return { body: { rule_type: { type: found.type, drivers } } }
    },
  }),
]
