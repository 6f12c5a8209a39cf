import * as z from 'zod'
import { addAddress, removeAddress } from '../../../broker/compute/interfaces/fixed-address.ts'
import { leadHere, leadNowhere } from '../../../broker/compute/interfaces/public-address.ts'
import { NetworkRefused } from '../../../broker/network/network-refusal.ts'
import { badRequest } from '../../../http/fault.ts'
import { address, canonical } from '../fields.ts'
import { type Action, action } from './action.ts'

const LAST = 43

const leading = z.strictObject({
  address: address(4).transform(canonical),
  fixed_address: address(4).transform(canonical).nullish(),
})
const led = z.strictObject({ address: address(4).transform(canonical) })
/** nova/api/openstack/compute/schemas/multinic.py */
const joined = z.strictObject({ networkId: z.union([z.string(), z.number()]) })
const left = z.strictObject({ address: z.union([address(4), address(6)]).transform(canonical) })

/** Public and further addresses of a server, until clients ask the network service (nova/api/openstack/compute/floating_ips.py, multinic.py). */
export const addressActions: Action[] = [
  action<z.infer<typeof leading>>({
    name: 'addFloatingIp',
    until: LAST,
    body: leading,
    handle: async ({ context }, server, { address: publicAddress, fixed_address }) => {
      await leadHere(context, server, publicAddress, fixed_address ?? null).catch((error) => {
        if (!(error instanceof NetworkRefused && error.refusal.kind === 'conflict')) throw error
        throw badRequest(
          `Unable to associate floating IP ${publicAddress} to fixed IP ${fixed_address ?? ''} for instance ${server.id}. Error: ${error.refusal.reason}`,
        )
      })
      return undefined
    },
  }),
  action<z.infer<typeof led>>({
    name: 'removeFloatingIp',
    until: LAST,
    body: led,
    handle: async ({ context }, server, { address: publicAddress }) => {
      await leadNowhere(context, server, publicAddress)
      return undefined
    },
  }),
  action<z.infer<typeof joined>>({
    name: 'addFixedIp',
    until: LAST,
    body: joined,
    handle: async ({ context }, server, { networkId }) => {
      await addAddress(context, server, String(networkId))
      return undefined
    },
  }),
  action<z.infer<typeof led>>({
    name: 'removeFixedIp',
    until: LAST,
    body: left,
    handle: async ({ context }, server, { address: fixedAddress }) => {
      await removeAddress(context, server, fixedAddress)
      return undefined
    },
  }),
]
