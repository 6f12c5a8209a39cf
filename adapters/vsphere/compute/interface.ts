import type { InterfaceSpec, Realm, Seen } from '../../contract.ts'
import { assertOurs } from '../../shared/marks.ts'
import { unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { KEY, readMark } from '../marks.ts'
import { backingOf } from '../network/port-group.ts'
import { addCard, cardsOf, removeDevice } from '../records/devices.ts'
import { extraConfig } from '../records/guestinfo.ts'
import { type Machine, machineOf, ourMachine } from '../records/machine.ts'
import { serversPage } from '../records/machine-pages.ts'
import { changeRecord, partsOf, portsIn, tableOf, writeTable } from '../records/port-record.ts'
import { settled, taskIn } from '../wire/tasks.ts'
import { newCardsFor } from './new-cards.ts'

/** Made of both ends: the server's id has no blank. */
const idOf = (server: string, port: string): string => `${server} ${port}`
const ends = (id: string): { server: string; port: string } => {
  const blank = id.indexOf(' ')
  return { server: id.slice(0, blank), port: id.slice(blank + 1) }
}

const seenIn = (context: Context, machine: Machine): Seen[] =>
  portsIn(context, machine).map(({ seen }) => ({ id: idOf(machine.ref.id, seen.id), health: 'ready' }))

/** A port plugged into a server: a card added to its machine, running or not, or one that it was made with. */
export const networkInterface = (context: Context): Realm<InterfaceSpec> => {
  const { vim, options, connection } = context

  const get = async (id: string): Promise<Seen | null> => {
    const machine = await machineOf(context, ends(id).server)
    return (machine && seenIn(context, machine).find((seen) => seen.id === id)) ?? null
  }
  const reconfigure = async (machine: Machine, deviceChange: ReturnType<typeof removeDevice>[], ports: string) =>
    settled(
      context,
      taskIn(
        await vim.call(machine.ref, 'ReconfigVM_Task', {
          spec: { deviceChange, extraConfig: extraConfig({ [KEY.ports]: ports }) },
        }),
      ),
    )

  return {
    once: 'unique',
    settleMs: options.settleMs,
    get,
    find: (_mark, spec) => get(idOf(spec.server, spec.port)),
    async list(cursor, since) {
      const { machines, ...page } = await serversPage(context, 'interface', cursor, since)
      return { items: machines.flatMap((machine) => seenIn(context, machine)), complete: true, ...page }
    },
    async create(spec) {
      const id = idOf(spec.server, spec.port)
      const present = await get(id)
      if (present) return present
      const machine = await ourMachine(context, spec.server)
      const [card] = await newCardsFor(context, [spec.port], machine.uuid)
      const { record, portGroup } = card!
      const table = { ...tableOf(machine), [record.mac]: record }
      await reconfigure(machine, [addCard(0, backingOf(portGroup), record.mac)], writeTable(Object.values(table)))
      return (await get(id)) ?? { id, health: 'pending' }
    },
    async remove(id) {
      const { server, port } = ends(id)
      const { mac } = partsOf(port)
      const machine = await machineOf(context, server)
      if (!machine || !seenIn(context, machine).some((seen) => seen.id === id)) return
      assertOurs(readMark(machine.own[KEY.mark]), connection.deployment)
      const cards = cardsOf(machine.devices).filter(({ card }) => card?.mac === mac)
      const table = Object.values(tableOf(machine)).filter((each) => each.mac !== mac)
      await unlessGone(() => reconfigure(machine, cards.map(removeDevice), writeTable(table)))
      await changeRecord(context, port, (record) =>
        [machine.uuid, machine.biosUuid].includes(record.holder ?? '') ? { ...record, holder: null } : record,
      )
    },
  }
}
