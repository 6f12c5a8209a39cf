import type { InterfaceSpec, Realm, Seen } from '../../contract.ts'
import { readMark } from '../../shared/mark-line.ts'
import { assertOurs } from '../../shared/marks.ts'
import { pairIds, pairRealm } from '../../shared/pair-realm.ts'
import { unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { KEY } from '../marks.ts'
import { backingOf } from '../network/port-group.ts'
import { addCard, cardsOf, removeDevice } from '../records/devices.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { type Machine, machineOf, ourMachine } from '../records/machine.ts'
import { serversPage } from '../records/machine-pages.ts'
import { changeRecord, partsOf, portsIn, tableOf, writeTable } from '../records/port-record.ts'
import type { Value } from '../wire/soap.ts'
import { settled, taskIn } from '../wire/tasks.ts'
import { newCardsFor } from './new-cards.ts'

/** Ids of ports have slashes in them, those of servers no blank. */
const { idOf, endsOf } = pairIds(' ')

const seenIn = (context: Context, machine: Machine): Seen[] =>
  portsIn(context, machine).map(({ seen }) => ({ id: idOf(machine.ref.id, seen.id), health: 'ready' }))

/** A port plugged into a server: a card added to its machine, running or not, or one that it was made with. */
export const networkInterface = (context: Context): Realm<InterfaceSpec> => {
  const { vim, options, connection } = context
  const raw = (id: string) => machineOf(context, endsOf(id).server)
  const reconfigure = async (machine: Machine, deviceChange: Value[], ports: string): Promise<void> => {
    const spec = { deviceChange, extraConfig: extraConfig({ [KEY.ports]: ports }) }
    await settled(context, taskIn(await vim.call(machine.ref, 'ReconfigVM_Task', { spec })))
  }

  const realm: Realm<InterfaceSpec> = pairRealm<InterfaceSpec, Seen, Machine>({
    settleMs: options.settleMs,
    idOf: ({ server, port }) => idOf(server, port),
    raw,
    seenIn: (machine) => seenIn(context, machine),
    async page(cursor, since) {
      const { machines, ...page } = await serversPage(context, 'interface', cursor, since)
      return { items: machines, complete: true, ...page }
    },
    async join(spec, id) {
      const present = await realm.get(id)
      if (present) return present
      const machine = await ourMachine(context, spec.server)
      const [card] = await newCardsFor(context, [spec.port], machine.uuid)
      const { record, portGroup } = card!
      const table = { ...tableOf(machine), [record.mac]: record }
      await reconfigure(machine, [addCard(0, backingOf(portGroup), record.mac)], writeTable(Object.values(table)))
      return (await realm.get(id)) ?? { id, health: 'pending' }
    },
    async part(machine, id) {
      const port = endsOf(id).other
      const { mac } = partsOf(port)
      assertOurs(readMark(machine.own[KEY.mark]), connection.deployment)
      const cards = cardsOf(machine.devices).filter(({ card }) => card?.mac === mac)
      const table = Object.values(tableOf(machine)).filter((each) => each.mac !== mac)
      await unlessGone(() => reconfigure(machine, cards.map(removeDevice), writeTable(table)))
      await changeRecord(context, port, (record) =>
        [machine.uuid, machine.biosUuid].includes(record.holder ?? '') ? { ...record, holder: null } : record,
      )
    },
  })
  return realm
}
