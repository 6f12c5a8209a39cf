import * as z from 'zod'
import { serversNamed } from '../../../db/queries/compute/servers.ts'
import { lookSoon } from '../../../db/queries/line/bindings.ts'
import { commit, makesDue } from '../../broker/line/commit.ts'
import { notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'

/** What services around Nova tell it, and the first microversion that knows of it (nova/objects/external_event.py). */
const NAMES: [name: string, since: number][] = [
  ['network-changed', 1],
  ['network-vif-plugged', 1],
  ['network-vif-unplugged', 1],
  ['network-vif-deleted', 1],
  ['volume-extended', 51],
  ['power-update', 76],
  ['accelerator-request-bound', 82],
  ['volume-reimaged', 93],
]

/** So many events are told at once. */
const MOST = 100

const given = (version: number) =>
  z.strictObject({
    events: z
      .array(
        z.strictObject({
          name: z.enum(NAMES.filter(([, since]) => version >= since).map(([name]) => name) as [string, ...string[]]),
          server_uuid: z.guid(),
          status: z.enum(['failed', 'completed', 'in-progress']).optional(),
          tag: z.string().max(255).optional(),
        }),
      )
      .min(1)
      .max(MOST),
  })
type Given = z.infer<ReturnType<typeof given>>
type Told = Given['events'][number]

/**
 * Whatever somebody says has happened to a server, its cloud is asked: the event is a reason to look, and nothing is believed.
 * https://docs.openstack.org/api-ref/compute/#create-external-events-os-server-external-events
 */
export const externalEventOperations: Operation[] = [
  operation<Given>({
    name: 'server_external_event.create',
    method: 'POST',
    path: '/os-server-external-events',
    who: 'admin',
    summary: 'Says that something happened to servers: their clouds are asked at once how they are.',
    status: 200,
    body: given,
    handle: async ({ context, body }) => {
      const ids = [...new Set(body.events.map(({ server_uuid }) => server_uuid.toLowerCase()))]
      const known = new Map((await serversNamed(context.db, ids)).map(({ id, cloudId }) => [id, cloudId]))
      const codeOf = ({ server_uuid }: Told): number => {
        const cloudId = known.get(server_uuid.toLowerCase())
        return cloudId === undefined ? 404 : cloudId === null ? 422 : 200
      }
      const events = body.events.map((event) => {
        const code = codeOf(event)
        return { ...event, status: code === 200 ? (event.status ?? 'completed') : 'failed', code }
      })
      const heard = ids.filter((id) => known.get(id))
      if (!heard.length) throw notFound('No instances found for any event')
      // A look changes nothing, so that it is not the servers' own affair whose they are.
      const entry = {
        action: 'look',
        kind: 'deployment',
        resourceId: context.deployment.id,
        detail: { servers: heard },
      }
      const due = { kind: 'server' as const, ids: heard, want: 'present' as const }
      await commit(context, entry, [makesDue(lookSoon(context.db, 'server', heard, context.now()), due)])
      return { status: events.every(({ code }) => code === 200) ? 200 : 207, body: { events } }
    },
  }),
]
