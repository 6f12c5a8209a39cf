import * as z from 'zod'
import { leadHere, leadNowhere } from '../../../broker/compute/interfaces/public-address.ts'
import { badRequest } from '../../../http/fault.ts'
import { address, canonical } from '../fields.ts'
import { type Action, action } from './action.ts'

const LAST = 43
const IN_PORTS = 'Addresses of servers are changed through their ports: use os-interface, or the network service.'

const leading = z.strictObject({
  address: address(4).transform(canonical),
  fixed_address: address(4).transform(canonical).nullish(),
})
const led = z.strictObject({ address: address(4).transform(canonical) })

/** Public addresses of a server, until clients ask the network service (nova/api/openstack/compute/floating_ips.py). */
export const addressActions: Action[] = [
  action<z.infer<typeof leading>>({
    name: 'addFloatingIp',
    until: LAST,
    body: leading,
    handle: async ({ context }, server, { address: publicAddress, fixed_address }) => {
      await leadHere(context, server, publicAddress, fixed_address ?? null)
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
  ...['addFixedIp', 'removeFixedIp'].map((name) =>
    action({
      name,
      until: LAST,
      handle: () => {
        throw badRequest(IN_PORTS)
      },
    }),
  ),
]
