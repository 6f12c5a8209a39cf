import type { NativeId, Realm, SecurityGroupSpec, SecurityRule } from '../../contract.ts'
import { parseCidr } from '../../shared/cidr.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import { exists } from '../records/entities.ts'
import { realm, referred } from '../records/realm.ts'

const checkRule = (rule: SecurityRule): void => {
  const { protocol, min, max, cidr, group, family } = rule
  const ports = protocol === 'tcp' || protocol === 'udp'
  const top = ports ? 65_535 : 255
  if ([min, max].some((bound) => bound !== null && (!Number.isInteger(bound) || bound < 0 || bound > top))) {
    throw refusal('InvalidValue', `${min} to ${max} is no range of a ${protocol ?? 'protocol-less'} rule.`)
  }
  if (ports && min !== null && max !== null && min > max) throw refusal('InvalidValue', `${min} to ${max} is no range.`)
  if (protocol === null && (min !== null || max !== null)) throw refusal('InvalidValue', 'A range needs a protocol.')
  if (cidr !== null && group !== null)
    throw refusal('InvalidValue', 'A rule has a network or a group as peer, not both.')
  if (cidr !== null && parseCidr(cidr)?.family !== family) {
    throw refusal('InvalidValue', `${cidr} is no network of family ${family}.`)
  }
}

/** Security groups: rules on one network; a rule may name another group of that network, or its own. */
export const securityGroups = (engine: Engine): Realm<SecurityGroupSpec> => {
  const { state } = engine
  const peers = (rules: SecurityRule[]): NativeId[] =>
    rules.flatMap(({ group }) => (group === null || group === 'self' ? [] : [group]))

  const check = async (spec: SecurityGroupSpec): Promise<void> => {
    spec.rules.forEach(checkRule)
    for (const id of new Set(peers(spec.rules))) {
      const peer = await referred(engine, 'security_group', id)
      if (peer.spec.network !== spec.network) throw refusal('InvalidValue', 'The group is on another network.')
    }
  }

  return realm(engine, {
    kind: 'security_group',
    readyMs: engine.settings.network_ms,
    async draft(spec) {
      await referred(engine, 'network', spec.network)
      await check(spec)
      return { name: spec.name, spec }
    },
    view: (_, seen) => seen,
    async inUse({ id }) {
      const now = engine.now()
      if ((await state.all('port')).some((port) => exists(port, now) && port.spec.securityGroups.includes(id))) {
        throw refusal('InUse', 'The security group is used by a port.')
      }
      const groups = await state.all('security_group')
      if (groups.some((group) => group.id !== id && exists(group, now) && peers(group.spec.rules).includes(id))) {
        throw refusal('InUse', 'A rule of another security group names this one.')
      }
    },
    async revise(entity, spec) {
      if (spec.network !== entity.spec.network)
        throw refusal('InvalidValue', 'A security group cannot change its network.')
      await check(spec)
      return { ...entity, name: spec.name, spec }
    },
  })
}
