import { type Load, loadsOf } from '../../../db/queries/clouds/loads.ts'
import type { Policy } from '../../../db/schema/index.ts'
import { homeIn, inChain } from '../../broker/clouds/policy.ts'
import { loadOf, markOf } from '../../broker/compute/place/marks.ts'
import { amountOf } from '../../broker/line/amounts.ts'
import type { Context } from '../../context.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { iso } from '../lookup.ts'

const amountIn = (vcpus: number | null, ramMib: number | null) =>
  vcpus === null || ramMib === null ? null : { vcpus, ram_mib: ramMib }

const inHundredths = (share: number | null): number | null => (share === null ? null : Math.round(share * 100) / 100)

const statusOf = ({ enabled, breakerOpenUntil, seenAt }: Load, now: number): string =>
  !enabled ? 'disabled' : breakerOpenUntil > now ? 'unreachable' : seenAt === null ? 'new' : 'available'

const view = ({ now, caller }: Context, load: Load, policy: Policy, currency: string | null) => {
  const { roomVcpus, roomRamMib, takenVcpus, takenRamMib, ownRoomVcpus, ownRoomRamMib, ownVcpus, ownRamMib } = load
  const open = load.breakerOpenUntil > now()
  return {
    cloud: load.name,
    type: load.type,
    region: load.region,
    home: homeIn(policy) === load.name,
    status: statusOf(load, now()),
    breaker_open_until: open ? iso(load.breakerOpenUntil) : null,
    placing: load.placing,
    placing_reason: load.placingReason,
    mark: markOf(policy, load),
    past_mark: load.passed === 1,
    load: inHundredths(loadOf(load)),
    project: {
      servers: load.ownServers,
      ...{ vcpus: ownVcpus, ram_mib: ownRamMib },
      room: amountIn(ownRoomVcpus, ownRoomRamMib),
      load: inHundredths(
        loadOf({ roomVcpus: ownRoomVcpus, roomRamMib: ownRoomRamMib, takenVcpus: ownVcpus, takenRamMib: ownRamMib }),
      ),
    },
    hourly: { amount: amountOf(load.hourly), currency },
    seen_at: iso(load.seenAt),
    swept_at: iso(load.sweptAt),
    // What others have there, and why it does not answer, is for who runs it to know.
    ...(caller?.isAdmin && {
      room: amountIn(roomVcpus, roomRamMib),
      taken: { vcpus: takenVcpus, ram_mib: takenRamMib },
      last_error: load.lastError,
    }),
  }
}

export const loadOperations: Operation[] = [
  operation({
    name: 'load.list',
    method: 'GET',
    path: '/v1/loads',
    who: 'reader',
    summary:
      "How full the project's clouds are, up to which mark they are filled, what an hour of what is there costs, whether they answer, and when they were swept last; what of the project has spilled. Administrators see every cloud, the amounts behind the shares, and what all projects pay.",
    status: 200,
    handle: async ({ context }) => {
      const { projectId = '', isAdmin = false } = context.caller ?? {}
      const { loads, policy, spilled, currency } = await loadsOf(context.db, projectId, isAdmin)
      // As the policy prefers them, home first; then as the operator does.
      const turn = (name: string) => inChain(policy, name) ?? loads.length
      loads.sort((one, other) => turn(one.name) - turn(other.name))
      return { body: { loads: loads.map((load) => view(context, load, policy, currency)), spilled } }
    },
  }),
]
