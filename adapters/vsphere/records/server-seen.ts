import type { ServerSeen } from '../../contract.ts'
import type { Context } from '../context.ts'
import { inventoryOf, zoneOf } from '../inventory.ts'
import { KEY, plainName } from '../marks.ts'
import { sizeOf } from '../offers.ts'
import { isJoining } from './group-record.ts'
import { type Machine, markOf } from './machine.ts'
import { portsIn } from './port-record.ts'
import { stateOf } from './server-state.ts'

/** A machine as a server, whoever made it. One that is being made, or lacks its settings still, is `pending`. */
export const serverSeen = async (context: Context, machine: Machine): Promise<ServerSeen> => {
  const { health, power, fault, known } = stateOf(machine.power, machine.connection)
  const id = machine.ref.id
  if (!known)
    context.surroundings.log('error', 'vSphere shows an unknown state', {
      id,
      power: machine.power ?? '',
      connection: machine.connection ?? '',
    })
  const mark = markOf(context, machine)
  const zone = zoneOf(await inventoryOf(context), machine.pool)
  const image = machine.own[KEY.image]
  const boot = machine.own[KEY.boot]
  const unfinished = machine.complete && (isJoining(machine) || machine.own[KEY.making] !== undefined)
  return {
    id,
    ...(mark ? { mark } : {}),
    name: machine.own[KEY.name] ?? plainName(machine.name),
    health: machine.complete && !machine.unfinished ? health : 'pending',
    ...(fault ? { fault } : {}),
    ...(zone ? { zone } : {}),
    power: machine.complete && !unfinished ? power : 'changing',
    ...(unfinished ? { unfinished: true } : {}),
    size: sizeOf(context, machine),
    ...(image ? { image } : {}),
    volumes: machine.devices.flatMap(({ disk }) =>
      disk?.disk ? [{ id: disk.disk, device: null, root: disk.disk === boot }] : [],
    ),
    ports: portsIn(context, machine).map(({ seen: { id: port, mac, addresses } }) => ({ id: port, mac, addresses })),
    ...(machine.host ? { host: machine.host } : {}),
    ...(machine.bootedAt ? { bootedAt: Date.parse(machine.bootedAt) } : {}),
  }
}
