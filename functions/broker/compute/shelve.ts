import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import { zonesFor } from '../../../db/queries/clouds/zones.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import { actedFor } from '../clouds/policy.ts'
import { refuseEnded } from './lease/lease.ts'
import { ask, requireCapability, requireState } from './server-action.ts'
import { refuse } from './server-refusal.ts'

/**
 * Off, and its room free for others: its disks and addresses stay where they are. As Nova does it where `shelved_offload_time` is
 * 0, the one leads to the other, so that nobody sees `SHELVED` alone.
 */
export const shelveServer = async (context: Context, server: ServerRow): Promise<void> => {
  requireState(context, server, 'shelve')
  await requireCapability(context, server, 'server.shelve', (cloud) => cloud.server.shelve)
  await ask(context, server, { action: 'shelve', set: { wantPower: 'stopped' } })
}

/** Where a shelved server is asked to come back. Absent: nothing is said of it; zone null: it need not be in the one that it was made in. */
export interface Unshelved {
  zone?: string | null
  host?: string
}

/** Where its disks are it comes back, and nowhere else: a zone or a host that is named has to be that one. */
export const unshelveServer = async (context: Context, server: ServerRow, { zone, host }: Unshelved): Promise<void> => {
  requireState(context, server, 'unshelve')
  refuseEnded(server, context.now())
  await requireCapability(context, server, 'server.shelve', (cloud) => cloud.server.unshelve)
  const cloud = await cloudById(context.db, server.cloudId!)
  const here = `${cloud?.name}.${server.zone}`
  if (host !== undefined && host !== cloud?.name) refuse({ kind: 'no-host', host })
  if (typeof zone === 'string' && ![cloud?.name, here, server.pinnedZone].includes(zone)) {
    const named = (await zonesFor(context.db, context.scope, actedFor(context))).filter(({ cloud: of, name, made }) =>
      [of, `${of}.${name}`, made].includes(zone),
    )
    if (!named.length) refuse({ kind: 'unknown', what: 'zone', id: zone })
    if (!named.some(({ cloudId, name }) => cloudId === server.cloudId && name === server.zone))
      refuse({ kind: 'incapable', reason: `The disks of the server are in ${here}: it comes back there alone.` })
  }
  await ask(context, server, {
    action: 'unshelve',
    set: { wantPower: 'running', ...(zone === undefined ? {} : { pinnedZone: zone }) },
  })
}
