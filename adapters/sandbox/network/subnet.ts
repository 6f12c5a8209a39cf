import type { Realm, SubnetSpec } from '../../contract.ts'
import { overlaps, parseCidr } from '../../shared/cidr.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import { exists } from '../records/entities.ts'
import { realm, referred } from '../records/realm.ts'
import { inside } from './address.ts'

/** Subnets: a range of addresses of one network, in one zone. */
export const subnets = (engine: Engine): Realm<SubnetSpec> => {
  const { state } = engine

  const check = async (spec: SubnetSpec): Promise<void> => {
    const block = parseCidr(spec.cidr)
    if (!block) throw refusal('InvalidValue', `${spec.cidr} is no usable network.`)
    if (spec.gateway !== null && !inside(spec.cidr, spec.gateway)) {
      throw refusal('InvalidValue', `The gateway ${spec.gateway} is not in ${spec.cidr}.`)
    }
    engine.room.zone(spec.zone)
    await referred(engine, 'network', spec.network)
  }

  const refuseOverlap = async (spec: SubnetSpec, self: string): Promise<void> => {
    const block = parseCidr(spec.cidr)
    for (const other of await state.all('subnet')) {
      if (other.id === self || other.spec.network !== spec.network || !exists(other, engine.now())) continue
      const taken = parseCidr(other.spec.cidr)
      if (!block || !taken || !overlaps(block, taken)) continue
      if (other.goneAt !== null) throw refusal('InUse', `${other.spec.cidr} is still being removed.`)
      throw refusal('InvalidValue', `${spec.cidr} overlaps ${other.spec.cidr} of the same network.`)
    }
  }

  return realm(engine, {
    kind: 'subnet',
    readyMs: engine.settings.network_ms,
    async draft(spec, id) {
      await check(spec)
      await refuseOverlap(spec, id)
      return { name: spec.name, spec, zone: spec.zone }
    },
    view: (_, seen) => seen,
    async inUse({ id }) {
      const ports = await state.all('port')
      if (ports.some((port) => exists(port, engine.now()) && port.spec.addresses.some(({ subnet }) => subnet === id))) {
        throw refusal('InUse', 'The subnet still has ports.')
      }
      const routers = await state.all('router')
      if (
        routers.some((each) => exists(each, engine.now()) && each.spec.interfaces.some(({ subnet }) => subnet === id))
      ) {
        throw refusal('InUse', 'The subnet is still connected to a router.')
      }
      const outside = routers.filter((each) => exists(each, engine.now())).flatMap((each) => each.spec.outside ?? [])
      if (outside.some(({ addresses }) => addresses.some(({ subnet }) => subnet === id)))
        throw refusal('InUse', 'A router still has an address of the subnet.')
      const addresses = await state.all('floating_ip')
      if (addresses.some((each) => exists(each, engine.now()) && each.spec.from?.subnet === id))
        throw refusal('InUse', 'The subnet still has a floating IP.')
    },
    release: ({ id }) => engine.claims.drop(`subnet/${id}`),
    async revise(entity, spec) {
      const { network, cidr, zone } = entity.spec
      if (spec.network !== network || spec.cidr !== cidr || spec.zone !== zone) {
        throw refusal('InvalidValue', 'Network, range and zone of a subnet cannot change.')
      }
      await check(spec)
      return { ...entity, name: spec.name, spec }
    },
  })
}
