import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import { type FloatingIpView, listFloatingIps } from '../../../../db/queries/network/floating-ips.ts'
import { whereIn } from '../../../../db/queries/network/network-listing.ts'
import { portsOfDevice } from '../../../../db/queries/network/ports.ts'
import type { Context } from '../../../context.ts'
import { readIp } from '../../network/address.ts'
import { changeFloatingIp } from '../../network/floating-ip.ts'
import { refuseLocked } from '../server-action.ts'
import { refuse } from '../server-refusal.ts'

const of = async ({ db }: Context, server: ServerRow, address: string): Promise<FloatingIpView> => {
  const asked = { ...whereIn('floating_ip_address', [address]), limit: 1 }
  const [found] = await listFloatingIps(db, { projectId: server.projectId }, asked)
  return found ?? refuse({ kind: 'no-floating-ip', address })
}

/**
 * Leads a public address of the project to a server: to the address of it that is named, else to its first one of IPv4. It is
 * taken from where it led before, as Nova does it on Neutron (nova/network/neutron.py, `associate_floating_ip`). Throws `ServerRefused`, `NetworkRefused`.
 */
export const leadHere = async (
  context: Context,
  server: ServerRow,
  address: string,
  fixedAddress: string | null,
): Promise<void> => {
  refuseLocked(context, server)
  const ports = await portsOfDevice(context.db, { projectId: server.projectId }, server.id)
  const fixed = ports.flatMap(({ id, fixedIps }) =>
    fixedIps
      .filter(({ ip_address }) => readIp(ip_address)?.version === 4)
      .map(({ ip_address }) => ({ id, ip_address })),
  )
  if (!fixed.length) refuse({ kind: 'no-fixed-ip', id: server.id })
  const target = fixedAddress === null ? fixed[0] : fixed.find(({ ip_address }) => ip_address === fixedAddress)
  if (!target) return refuse({ kind: 'not-its-address', address: fixedAddress! })
  const floating = await of(context, server, address)
  await changeFloatingIp(context, floating.id, { portId: target.id, fixedIpAddress: target.ip_address })
}

/** Leads a public address nowhere that leads to the server. Throws `ServerRefused`. */
export const leadNowhere = async (context: Context, server: ServerRow, address: string): Promise<void> => {
  refuseLocked(context, server)
  const floating = await of(context, server, address)
  if (floating.portDetails?.device_id !== server.id) refuse({ kind: 'leads-elsewhere', address, id: server.id })
  await changeFloatingIp(context, floating.id, { portId: null })
}
