import type { NativeId, PortSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import type { PortRecord } from '../records/tables.ts'
import type { Keep } from '../wire/host.ts'

const keyOf = ({ cloudId }: Keep, subnet: NativeId, address: string): string =>
  `libvirt/address/${cloudId}/${subnet}/${address}`

/** Takes the addresses of a port for it; safe to repeat. @throws `conflict` while another port has one, having taken none anew */
export const claim = async (keep: Keep, { id, spec: { addresses } }: PortRecord): Promise<void> => {
  const taken: string[] = []
  for (const { subnet, address } of addresses) {
    const key = keyOf(keep, subnet, address)
    for (;;) {
      if (await keep.store.put(key, id, 0)) {
        taken.push(key)
        break
      }
      const holder = (await keep.store.get(key))?.value
      if (holder === id) break
      if (holder === undefined) continue
      for (const each of taken) await keep.store.delete(each)
      throw new CloudError('conflict', `The address ${address} is in use already.`)
    }
  }
}

/** Gives back addresses of a port but for some, unless another port has them by now. */
export const release = async (
  keep: Keep,
  { id }: Pick<PortRecord, 'id'>,
  addresses: PortSpec['addresses'],
  but: PortSpec['addresses'],
): Promise<void> => {
  for (const { subnet, address } of addresses) {
    if (but.some((each) => each.subnet === subnet && each.address === address)) continue
    const key = keyOf(keep, subnet, address)
    const row = await keep.store.get(key)
    if (row?.value === id) await keep.store.delete(key, row.version)
  }
}
