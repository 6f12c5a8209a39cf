import type { NativeId, Realm, RouterSpec } from '../../contract.ts'
import { parseCidr } from '../../shared/cidr.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import { type Entities, exists } from '../records/entities.ts'
import { realm, referred } from '../records/realm.ts'
import { inside } from './address.ts'
import { bySubnet, claimAddresses, releaseAddresses } from './address-claims.ts'

/**
 * Whether traffic from a subnet reaches the outside: some router with a gateway has an interface on it.
 * @param network the external network by which it is to; null: the cloud's own way out
 */
export const reachesOutside = async (
  engine: Engine,
  subnet: NativeId,
  network: NativeId | null = null,
): Promise<boolean> => {
  const routers = await engine.state.all('router')
  return routers.some(
    (router) =>
      router.goneAt === null &&
      router.spec.gateway &&
      (router.spec.outside?.network ?? null) === network &&
      router.spec.interfaces.some((each) => each.subnet === subnet),
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
    for (const { subnet } of spec.outside?.addresses ?? [])
      cidrs.push((await referred(engine, 'subnet', subnet)).spec.cidr)
    for (const { destination, nexthop } of spec.routes) {
      if (!parseCidr(destination)) throw refusal('InvalidValue', `${destination} is not a network.`)
      if (!cidrs.some((cidr) => inside(cidr, nexthop))) {
        throw refusal('InvalidValue', `The next hop ${nexthop} is on none of the router's subnets.`)
      }
    }
  }

  /** An external network, and addresses of its subnets. */
  const checkOutside = async ({ gateway, outside }: RouterSpec): Promise<void> => {
    if (!outside) return
    if (!gateway) throw refusal('InvalidValue', 'A router without a gateway has no way out.')
    const network = await referred(engine, 'network', outside.network)
    if (!network.spec.external) throw refusal('InvalidValue', 'The network does not lead outside.')
    for (const { subnet: id, address } of outside.addresses) {
      const subnet = await referred(engine, 'subnet', id)
      if (subnet.spec.network !== outside.network) throw refusal('InvalidValue', 'The subnet is not of that network.')
      if (!inside(subnet.spec.cidr, address)) throw refusal('InvalidValue', `${address} is not in ${subnet.spec.cidr}.`)
    }
  }

  /** Throws while a floating IP leads through the router to a subnet that would lose its way out. */
  const refuseCutOff = async (router: Entities['router'], next: RouterSpec | null): Promise<void> => {
    const stays = next?.gateway && next.outside?.network === router.spec.outside?.network
    const kept = new Set(stays ? next.interfaces.map(({ subnet }) => subnet) : [])
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
    async draft(spec, id, key) {
      await check(spec, id)
      await checkOutside(spec)
      await claimAddresses(engine, key, spec.outside?.addresses ?? [])
      return { name: spec.name, spec }
    },
    view: (_, seen) => seen,
    inUse: (entity) => refuseCutOff(entity, null),
    release: ({ id, spec }, goneAt) =>
      releaseAddresses(engine, state.key('router', id), spec.outside?.addresses ?? [], goneAt),
    async revise(entity, spec) {
      await check(spec, entity.id)
      await checkOutside(spec)
      await refuseCutOff(entity, spec)
      const [had, has] = [entity.spec.outside?.addresses ?? [], spec.outside?.addresses ?? []]
      const key = state.key('router', entity.id)
      await claimAddresses(engine, key, has)
      const left = had.filter(({ subnet }) => !bySubnet(has).has(subnet))
      await releaseAddresses(engine, key, left, engine.now())
      return { ...entity, name: spec.name, spec }
    },
  })
}
