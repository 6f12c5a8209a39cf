import type { FloatingIpSeen, FloatingIpSpec, NativeId, Realm } from '../../contract.ts'
import { formatAddress } from '../../shared/cidr.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import type { Ledger } from '../records/claims.ts'
import { exists } from '../records/entities.ts'
import { dice } from '../records/hash.ts'
import { realm, referred } from '../records/realm.ts'
import { inside, range } from './address.ts'
import { claimAddresses, releaseAddresses } from './address-claims.ts'
import { reachesOutside } from './router.ts'

/** Floating IPs: addresses of the cloud's external network, or of another one, each leading to one address of a port. */
export const floatingIps = (engine: Engine): Realm<FloatingIpSpec, FloatingIpSeen> => {
  const { state, claims } = engine

  /** The holder's address of the pool; a holder that has one already keeps it. */
  const allocate = (holder: string): Promise<string> => {
    const block = range(engine.settings.external_cidr)
    const first = (block?.first ?? 0n) + 2n
    const count = Number((block?.last ?? 0n) - first)
    const start = Math.floor(dice(holder) * count)
    const take = (ledger: Ledger): string | null => {
      const had = Object.entries(ledger).find(([, each]) => each.holder === holder)
      if (had) return had[0]
      for (let i = 0; i < count; i++) {
        const address = formatAddress({ family: 4, value: first + BigInt((start + i) % count) })
        if (ledger[address]) continue
        ledger[address] = { holder, at: engine.now(), until: null, amount: [] }
        return address
      }
      return null
    }
    return claims.claim('external', take, () => refusal('AddressPoolEmpty', 'The cloud has no floating IP left.'))
  }

  /** The address that is asked for, of an external network of the operator's own. */
  const allocateFrom = async (from: NonNullable<FloatingIpSpec['from']>, holder: string): Promise<string> => {
    const network = await referred(engine, 'network', from.network)
    if (!network.spec.external) throw refusal('InvalidValue', 'The network does not lead outside.')
    const subnet = await referred(engine, 'subnet', from.subnet)
    if (subnet.spec.network !== from.network) throw refusal('InvalidValue', 'The subnet is not of that network.')
    if (!inside(subnet.spec.cidr, from.address))
      throw refusal('InvalidValue', `${from.address} is not in ${subnet.spec.cidr}.`)
    await claimAddresses(engine, holder, [from])
    return from.address
  }

  const check = async ({ target, from }: FloatingIpSpec, self: NativeId): Promise<void> => {
    if (!target) return
    const port = await referred(engine, 'port', target.port)
    const fixed = port.spec.addresses.find(({ address }) => address === target.address)
    if (!fixed) throw refusal('InvalidValue', `The port has no address ${target.address}.`)
    // The router may still be on its way, so this is no final answer.
    if (!(await reachesOutside(engine, fixed.subnet, from?.network))) {
      throw refusal('NotReachable', 'No router with a gateway is connected to the subnet of the port.')
    }
    for (const { id, spec, ...other } of await state.all('floating_ip')) {
      if (id === self || !exists({ id, ...other }, engine.now())) continue
      if (spec.target?.port === target.port && spec.target.address === target.address) {
        throw refusal('InUse', 'Another floating IP leads to this address.')
      }
    }
  }

  return realm(engine, {
    kind: 'floating_ip',
    readyMs: engine.settings.network_ms,
    async draft(spec, id, key) {
      await check(spec, id)
      const address = await (spec.from ? allocateFrom(spec.from, key) : allocate(key))
      return { name: address, address, spec }
    },
    async view({ address, spec }, seen, lookup) {
      const port = spec.target && (await lookup('port', spec.target.port))
      return { ...seen, address, port: port && exists(port, engine.now()) ? port.id : null }
    },
    release: ({ id, spec }, goneAt) =>
      spec.from
        ? releaseAddresses(engine, state.key('floating_ip', id), [spec.from], goneAt)
        : claims.release('external', state.key('floating_ip', id), goneAt),
    async revise(entity, spec) {
      if (spec.from?.address !== entity.spec.from?.address || spec.from?.subnet !== entity.spec.from?.subnet)
        throw refusal('InvalidValue', 'A floating IP stays the address that it is.')
      await check(spec, entity.id)
      return { ...entity, spec }
    },
  })
}
