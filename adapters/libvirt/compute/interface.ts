import type { InterfaceSpec, NativeId, Realm, Seen } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { assertOurs } from '../../shared/marks.ts'
import { pairIds, pairRealm } from '../../shared/pair-realm.ts'
import { gone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { cardXml } from '../network/card.ts'
import { detach } from '../records/detach.ts'
import { pageOf } from '../records/everywhere.ts'
import { atHostOf, partsOf } from '../records/ids.ts'
import { type Machine, machineOf, machinesOn } from '../records/machine.ts'
import { ATTACH_DEVICE, impactOn } from '../wire/procedures.ts'

/** Ids of ports have slashes in them, those of servers no blank. */
const { idOf, endsOf } = pairIds(' ')

const seenIn = ({ id, ports }: Machine): Seen[] =>
  ports.map((port) => ({ id: idOf(id, port.id), health: 'ready' as const }))

/** What a guest sees of a card that comes later. */
const MODEL = 'virtio'

/** A port plugged into a server: a card of its domain. It comes while the domain runs, and when it does not. */
export const networkInterface = (context: Context): Realm<InterfaceSpec> => {
  const { connection, options } = context
  const machine = (server: NativeId): Promise<Machine | null> =>
    atHostOf(context, server, (host) => machineOf(host, partsOf(server, 1)[0] ?? ''))
  const realm: Realm<InterfaceSpec> = pairRealm<InterfaceSpec, Seen, Machine>({
    settleMs: options.settleMs,
    idOf: ({ server, port }) => idOf(server, port),
    raw: (id) => machine(endsOf(id).server),
    seenIn,
    page: () => pageOf(context, machinesOn),
    async join({ server, port }, id) {
      const present = await realm.get(id)
      if (present) return present
      await atHostOf(context, server, async (host) => {
        const machines = await machinesOn(host)
        const own = machines.find((each) => each.id === server)
        if (!own) throw gone(server)
        assertOurs(own.domain.note?.mark, connection.deployment)
        if (machines.some(({ ports }) => ports.some((each) => each.id === port)))
          throw new CloudError('conflict', 'The port is plugged into another server.')
        const xml = await cardXml(host, port, MODEL)
        await host.call(ATTACH_DEVICE, { domain: own.domain.ref, xml, flags: impactOn(own.domain.ref) })
      })
      return (await realm.get(id)) ?? { id, health: 'pending' }
    },
    async part({ id: server, domain: { ref: domain, note } }, id) {
      assertOurs(note?.mark, connection.deployment)
      await atHostOf(context, server, async (host) => {
        const xml = await cardXml(host, endsOf(id).other, MODEL)
        await detach(host, domain, xml)
      })
    },
  })
  return realm
}
