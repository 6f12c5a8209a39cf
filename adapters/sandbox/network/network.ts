import type { NetworkSpec, Realm } from '../../contract.ts'
import { parseCidr } from '../../shared/cidr.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import { exists } from '../records/entities.ts'
import { realm } from '../records/realm.ts'

/** Networks: nothing but a place for subnets, which are for servers or lead outside. */
export const networks = (engine: Engine): Realm<NetworkSpec> => {
  const check = ({ cidrs }: NetworkSpec): void => {
    const bad = cidrs.find((cidr) => !parseCidr(cidr))
    if (bad !== undefined) throw refusal('InvalidValue', `${bad} is not a network.`)
  }
  /** What lies on it: addresses outside are those of routers and floating IPs. */
  const refuseUsed = async (id: string): Promise<void> => {
    for (const kind of ['subnet', 'port', 'security_group'] as const) {
      const users = await engine.state.all(kind)
      if (users.some((user) => user.spec.network === id && exists(user, engine.now()))) {
        throw refusal('InUse', `The network still has a ${kind.replace('_', ' ')}.`)
      }
    }
    await refuseLeading(id)
  }

  const refuseLeading = async (id: string): Promise<void> => {
    const routers = await engine.state.all('router')
    if (routers.some((each) => exists(each, engine.now()) && each.spec.outside?.network === id))
      throw refusal('InUse', 'The network is still the way out of a router.')
    const addresses = await engine.state.all('floating_ip')
    if (addresses.some((each) => exists(each, engine.now()) && each.spec.from?.network === id))
      throw refusal('InUse', 'The network still has a floating IP.')
  }

  return realm(engine, {
    kind: 'network',
    readyMs: engine.settings.network_ms,
    async draft(spec) {
      check(spec)
      return { name: spec.name, spec }
    },
    view: (_, seen) => seen,
    inUse: ({ id }) => refuseUsed(id),
    async revise(entity, spec) {
      check(spec)
      if (entity.spec.external && !spec.external) await refuseLeading(entity.id)
      return { ...entity, name: spec.name, spec }
    },
  })
}
