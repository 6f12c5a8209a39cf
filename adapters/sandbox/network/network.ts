import type { NetworkSpec, Realm } from '../../contract.ts'
import { parseCidr } from '../../shared/cidr.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import { exists } from '../records/entities.ts'
import { realm } from '../records/realm.ts'

/** Networks: nothing but a place for subnets. */
export const networks = (engine: Engine): Realm<NetworkSpec> => {
  const check = ({ cidrs }: NetworkSpec): void => {
    const bad = cidrs.find((cidr) => !parseCidr(cidr))
    if (bad !== undefined) throw refusal('InvalidValue', `${bad} is not a network.`)
  }
  return realm(engine, {
    kind: 'network',
    readyMs: engine.settings.network_ms,
    async draft(spec) {
      check(spec)
      return { name: spec.name, spec }
    },
    view: (_, seen) => seen,
    async inUse({ id }) {
      for (const kind of ['subnet', 'port', 'security_group'] as const) {
        const users = await engine.state.all(kind)
        if (users.some((user) => user.spec.network === id && exists(user, engine.now()))) {
          throw refusal('InUse', `The network still has a ${kind.replace('_', ' ')}.`)
        }
      }
    },
    async revise(entity, spec) {
      check(spec)
      return { ...entity, name: spec.name, spec }
    },
  })
}
