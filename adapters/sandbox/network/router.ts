import type { NativeId, Realm, RouterSpec } from '../../contract.ts'
import { parseCidr } from '../../shared/cidr.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import { type Entities, exists } from '../records/entities.ts'
import { realm, referred } from '../records/realm.ts'
import { inside } from './address.ts'

/** Whether traffic from a subnet reaches the outside: some router with a gateway has an interface on it. */
export const reachesOutside = async (engine: Engine, subnet: NativeId): Promise<boolean> => {
  const routers = await engine.state.all('router')
  return routers.some(
    (router) =>
      router.goneAt === null && router.spec.gateway && router.spec.interfaces.some((each) => each.subnet === subnet),
  )
}

/** Routers: subnets of any network joined together, and to the outside. */
export const routers = (engine: Engine): Realm<RouterSpec> => {
  const { state } = engine

  const check = async (spec: RouterSpec, self: NativeId): Promise<void> => {
    const cidrs: string[] = []
    for (const { network, subnet } of spec.interfaces) {
      const found = await referred(engine, 'subnet', subnet)
      if (found.spec.network !== network) throw refusal('InvalidValue', 'The subnet is not of that network.')
      cidrs.push(found.spec.cidr)
    }
    const wanted = new Set(spec.interfaces.map(({ subnet }) => subnet))
    for (const other of wanted.size > 0 ? await state.all('router') : []) {
      if (other.id === self || !exists(other, engine.now())) continue
      if (other.spec.interfaces.some(({ subnet }) => wanted.has(subnet))) {
        throw refusal('InUse', 'The subnet is connected to another router.')
      }
    }
    for (const { destination, nexthop } of spec.routes) {
      if (!parseCidr(destination)) throw refusal('InvalidValue', `${destination} is not a network.`)
      if (!cidrs.some((cidr) => inside(cidr, nexthop))) {
        throw refusal('InvalidValue', `The next hop ${nexthop} is on none of the router's subnets.`)
      }
    }
  }

  /** Throws while a floating IP leads through the router to a subnet that would lose its way out. */
  const refuseCutOff = async (router: Entities['router'], next: RouterSpec | null): Promise<void> => {
    const kept = new Set(next?.gateway ? next.interfaces.map(({ subnet }) => subnet) : [])
    const lost = router.spec.gateway ? router.spec.interfaces.filter(({ subnet }) => !kept.has(subnet)) : []
    for (const { spec, ...address } of lost.length > 0 ? await state.all('floating_ip') : []) {
      if (!spec.target || !exists(address, engine.now())) continue
      const port = await state.lookup('port', spec.target.port)
      const { address: fixed } = spec.target
      const subnet = port?.spec.addresses.find((each) => each.address === fixed)?.subnet
      if (lost.some((each) => each.subnet === subnet)) throw refusal('InUse', 'A floating IP needs this router.')
    }
  }

  return realm(engine, {
    kind: 'router',
    readyMs: engine.settings.network_ms,
    async draft(spec, id) {
      await check(spec, id)
      return { name: spec.name, spec }
    },
    view: (_, seen) => seen,
    inUse: (entity) => refuseCutOff(entity, null),
    async revise(entity, spec) {
      await check(spec, entity.id)
      await refuseCutOff(entity, spec)
      return { ...entity, name: spec.name, spec }
    },
  })
}
