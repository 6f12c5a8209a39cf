import type { FloatingIpSeen, FloatingIpSpec, NativeId, Realm } from '../../contract.ts'
import { formatAddress } from '../../shared/cidr.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import type { Ledger } from '../records/claims.ts'
import { exists } from '../records/entities.ts'
import { dice } from '../records/hash.ts'
import { realm, referred } from '../records/realm.ts'
import { range } from './address.ts'
import { reachesOutside } from './router.ts'

/** Floating IPs: addresses of the external network, each leading to one address of a port. */
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

  const check = async ({ target }: FloatingIpSpec, self: NativeId): Promise<void> => {
    if (!target) return
    const port = await referred(engine, 'port', target.port)
    const fixed = port.spec.addresses.find(({ address }) => address === target.address)
    if (!fixed) throw refusal('InvalidValue', `The port has no address ${target.address}.`)
    // The router may still be on its way, so this is no final answer.
    if (!(await reachesOutside(engine, fixed.subnet))) {
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
      const address = await allocate(key)
      return { name: address, address, spec }
    },
    async view({ address, spec }, seen, lookup) {
      const port = spec.target && (await lookup('port', spec.target.port))
      return { ...seen, address, port: port && exists(port, engine.now()) ? port.id : null }
    },
    release: ({ id }, goneAt) => claims.release('external', state.key('floating_ip', id), goneAt),
    async revise(entity, spec) {
      await check(spec, entity.id)
      return { ...entity, spec }
    },
  })
}
