import type { NativeId } from '../../contract.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import type { Ledger } from '../records/claims.ts'

export interface Address {
  subnet: NativeId
  address: string
}

/** Addresses by the subnets that they are of. */
export const bySubnet = (addresses: Address[]): Map<NativeId, string[]> => {
  const subnets = new Map<NativeId, string[]>()
  for (const { subnet, address } of addresses) subnets.set(subnet, [...(subnets.get(subnet) ?? []), address])
  return subnets
}

/** Makes what a holder claims of their subnets exactly these addresses, and `beside` of each subnet. */
export const claimAddresses = async (
  engine: Engine,
  holder: string,
  claimed: Address[],
  beside: string[] = [],
): Promise<void> => {
  for (const [subnet, addresses] of bySubnet(claimed)) {
    const wanted = [...addresses, ...beside]
    const take = (ledger: Ledger): true | null => {
      if (wanted.some((name) => ledger[name] && ledger[name].holder !== holder)) return null
      for (const [name, each] of Object.entries(ledger)) if (each.holder === holder) delete ledger[name]
      for (const name of wanted) ledger[name] = { holder, at: engine.now(), until: null, amount: [] }
      return true
    }
    const taken = () => refusal('AddressTaken', `An address of ${addresses.join(', ')} is in use already.`)
    await engine.claims.claim(`subnet/${subnet}`, take, taken)
  }
}

/** What a holder claims of the subnets of these addresses lapses at `at`. Safe to repeat. */
export const releaseAddresses = async (
  { claims }: Engine,
  holder: string,
  addresses: Address[],
  at: number,
): Promise<void> => {
  for (const subnet of bySubnet(addresses).keys()) await claims.release(`subnet/${subnet}`, holder, at)
}
