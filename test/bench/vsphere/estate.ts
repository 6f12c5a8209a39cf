import type { Cloud, Kind, Mark, Seen } from '../../../adapters/contract.ts'
import { writeMark } from '../../../adapters/shared/mark-line.ts'
import type { Context } from '../../../adapters/vsphere/context.ts'
import { KEY } from '../../../adapters/vsphere/marks.ts'
import { backingOf, type PortGroup, portGroupOf } from '../../../adapters/vsphere/network/port-group.ts'
import { addCard, cardsOf, removeDevice } from '../../../adapters/vsphere/records/devices.ts'
import { extraConfig } from '../../../adapters/vsphere/records/guestinfo.ts'
import type { Machine } from '../../../adapters/vsphere/records/machine.ts'
import { serversPage } from '../../../adapters/vsphere/records/machine-pages.ts'
import { portId, putRecord, recordFor, writeTable } from '../../../adapters/vsphere/records/port-record.ts'
import { settled, taskIn } from '../../../adapters/vsphere/wire/tasks.ts'
import { digest } from '../../../functions/broker/line/digest.ts'
import { connection, contextOf, surroundings } from '../../peers/vsphere/cloud.ts'
import type { Broker } from '../broker.ts'

const AT_ONCE = 8
/** What a cloud-init of some length comes to: it is never asked for, and so must not be paid for. */
const USER_DATA = 'I2Nsb3VkLWNvbmZpZwo='.repeat(200)

/**
 * Makes every second machine ours, as if the broker had made it: settings, records of ports, bindings as of the last
 * sweep. The others stay somebody else's. Gives the number of ours.
 */
export const settle = async (broker: Broker, vcenter: string): Promise<number> => {
  const { host, demo, cloudId } = broker
  const context: Context = {
    ...contextOf(connection(vcenter, { cloudId, deployment: host.deployment.id }), {
      ...surroundings(fetch),
      store: host.cloudState,
      timeoutMs: 60_000,
    }),
  }
  const machines: Machine[] = []
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await serversPage(context, 'server', cursor, undefined)
    machines.push(...page.machines)
    cursor = page.next
  }
  const [card] = cardsOf(machines[0]!.devices)
  const socket = await portGroupOf(context, card!.card!.network!)
  const ours = machines.filter((_, n) => n % 2 === 0)
  const left = [...ours.entries()]
  const worker = async () => {
    for (let one = left.pop(); one; one = left.pop()) await own(context, one[1], macOf(one[0]), socket, demo.projectId)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return ours.length
}

/** The simulator gives many machines the same one. */
const macOf = (n: number): string =>
  `fa:16:3e:${[16, 8, 0].map((bits) => ((n >> bits) & 255).toString(16).padStart(2, '0')).join(':')}`

const markFor = ({ connection }: Context, project: string, kind: Kind): Mark => {
  const id = crypto.randomUUID()
  return { deployment: connection.deployment, project, kind, resource: id, token: id, epoch: 1 }
}

const own = async (
  context: Context,
  machine: Machine,
  mac: string,
  socket: PortGroup,
  project: string,
): Promise<void> => {
  const network = socket.ref.id
  const addresses = [{ subnet: `${network}/plan`, address: '10.0.0.1' }]
  const spec = { name: machine.name, network, mac, addresses }
  const record = recordFor(portId(network, mac), spec, markFor(context, project, 'port'), machine.uuid)
  await putRecord(context, record, 0)
  const settings = {
    [KEY.mark]: writeMark(markFor(context, project, 'server')),
    [KEY.name]: machine.name.toLowerCase(),
    [KEY.size]: 'vs.small',
    [KEY.image]: 'debian-12',
    [KEY.ports]: writeTable([record]),
    [KEY.metadata]: JSON.stringify({ role: 'deck' }),
    'guestinfo.userdata': USER_DATA,
  }
  const deviceChange = [...cardsOf(machine.devices).map(removeDevice), addCard(0, backingOf(socket), mac)]
  const answer = await context.vim.call(machine.ref, 'ReconfigVM_Task', {
    spec: { deviceChange, extraConfig: extraConfig(settings) },
  })
  await settled(context, taskIn(answer))
}

/** Binds what carries our mark, as the broker would after it made it, with what `cloud` shows of it. */
export const bind = async ({ host, demo, cloudId }: Broker, cloud: Cloud): Promise<void> => {
  for (const kind of ['server', 'port'] as const) {
    const shown: Seen[] = []
    let cursor: string | undefined
    do {
      const page = await cloud[kind]!.list(cursor)
      shown.push(...page.items)
      cursor = page.next
    } while (cursor !== undefined)
    const rows = shown.flatMap((seen) =>
      seen.mark ? [[seen.mark.resource, seen.mark.token, seen.id, digest(seen)]] : [],
    )
    await host.d1
      .prepare(
        `insert into bindings (kind, resource_id, cloud_id, project_id, token, phase, native_id, observed, bound_at, created_at, updated_at)
         select ?1, value->>0, ?2, ?3, value->>1, 'bound', value->>2, value->>3, 1, 0, 0 from json_each(?4)`,
      )
      .bind(kind, cloudId, demo.projectId, JSON.stringify(rows))
      .run()
  }
}
