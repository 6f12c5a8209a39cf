import type { Mark, NativeId, ServerSpec } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { inventoryOf, placeOf, zoneOf } from '../inventory.ts'
import { KEY, tokenName } from '../marks.ts'
import { backingOf } from '../network/port-group.ts'
import { cardsOf, type Device } from '../records/devices.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { type Machine, ourMachine, uuidOf } from '../records/machine.ts'
import type { Ref, Value } from '../wire/soap.ts'
import { taskIn } from '../wire/tasks.ts'
import { UNTOLD } from './drive.ts'
import { type NewCard, newCardsFor } from './new-cards.ts'

/** The parent's card as the fork has it: on another network, with another address. No card comes or goes. */
const ownCard = ({ key, type, controllerKey, unitNumber }: Device, { portGroup, record }: NewCard): Value => ({
  operation: 'edit',
  device: {
    _type: type,
    key,
    backing: backingOf(portGroup),
    connectable: { migrateConnect: 'connect', startConnected: true, allowGuestControl: true, connected: true },
    controllerKey,
    unitNumber,
    addressType: 'manual',
    macAddress: record.mac,
  },
})

/** A serial port that would go on writing into the file of the parent gets one of its own, beside the fork's others. */
const ownLog = ({ key, type, controllerKey, unitNumber, serial }: Device, folder: string): Value => {
  const [, datastore, file] = /^(\[[^\]]*\]) (?:.*\/)?([^/]+)$/.exec(serial?.file ?? '') ?? []
  return {
    operation: 'edit',
    device: {
      _type: type,
      key,
      backing: { _type: 'VirtualSerialPortFileBackingInfo', fileName: `${datastore} ${folder}/${file}` },
      connectable: { startConnected: true, allowGuestControl: false, connected: true },
      controllerKey,
      unitNumber,
      yieldOnPoll: true,
    },
  }
}

/** What is true of the parent and not of its fork. All other settings of ours are the fork's own. */
const leftBehind = ({ own }: Machine): Record<string, string> => ({
  ...{ [KEY.rebuild]: '', [KEY.drive]: '' },
  ...(own[KEY.drive] === undefined ? {} : UNTOLD),
})

/**
 * The InstantClone_Task parameters for a spec. It takes a name, a folder, a pool, a datastore, changes of cards and serial
 * ports, settings and the UUID that the guest sees, and nothing else: size, disks and policy are the parent's.
 * https://developer.broadcom.com/xapis/vsphere-web-services-api/latest/vim.vm.InstantCloneSpec.html
 */
export const instantCloneFor = (
  spec: Pick<ServerSpec, 'name'>,
  mark: Mark,
  uuid: string,
  parent: Machine,
  newCards: NewCard[],
  { folder, datastore, pool }: Pick<Awaited<ReturnType<typeof placeOf>>, 'folder' | 'datastore' | 'pool'>,
  settings: Record<string, string>,
): Record<string, Value> => {
  const name = tokenName(spec.name, mark.token)
  const cards = cardsOf(parent.devices)
  if (newCards.length !== cards.length) refuse(`A fork has the network cards of its parent, which are ${cards.length}.`)
  const deviceChange = [
    ...cards.map((card, index) => ownCard(card, newCards[index]!)),
    ...parent.devices.filter(({ serial }) => serial).map((device) => ownLog(device, name)),
  ]
  return {
    spec: {
      name,
      location: { folder, datastore, pool, deviceChange },
      config: extraConfig({ ...leftBehind(parent), ...settings }),
      biosUuid: uuid,
    },
  }
}

/** The server to go on from. @throws `conflict` while it does not run, `definitive` where it never could be forked */
const parentOf = async (context: Context, id: NativeId, zone: string): Promise<Machine> => {
  const parent = await ourMachine(context, id)
  if (parent.power !== 'poweredOn') throw new CloudError('conflict', 'Only a server that runs is forked.')
  if (parent.devices.some(({ disk }) => disk?.disk))
    refuse('The server has volumes in it, which a fork would share: detach them first.')
  if (zoneOf(await inventoryOf(context), parent.pool) !== zone) refuse('A fork is in the zone of its parent.')
  return parent
}

/**
 * Asks for a machine that goes on from the memory and disks of a running one; gives the task. Its name ends in the token,
 * as every server's. The instance UUID cannot be chosen, so the token is the UUID that the guest sees.
 */
export const instantClone = async (
  context: Context,
  spec: ServerSpec,
  parentId: NativeId,
  mark: Mark,
  settingsOf: (uuid: string, newCards: NewCard[]) => Record<string, string>,
): Promise<Ref> => {
  const place = await placeOf(context, spec.zone)
  const parent = await parentOf(context, parentId, spec.zone)
  const uuid = await uuidOf(mark.token)
  const newCards = await newCardsFor(context, spec.ports, uuid)
  const asked = instantCloneFor(spec, mark, uuid, parent, newCards, place, settingsOf(uuid, newCards))
  return taskIn(await context.vim.call(parent.ref, 'InstantClone_Task', asked))
}
