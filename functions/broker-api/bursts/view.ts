import type { MemberCount, ShownBurst } from '../../../db/queries/bursts/bursts.ts'
import type { MemberShown } from '../../../db/queries/bursts/members.ts'
import type { Money } from '../../../db/schema/index.ts'
import { LEASE, SPOT } from '../../broker/compute/metadata-rules.ts'
import { amountOf } from '../../broker/line/amounts.ts'
import { iso } from '../lookup.ts'

const moneyView = (money: Money | null) => money && { amount: amountOf(money.micros), currency: money.currency }

const sum = (counts: MemberCount[]): number => counts.reduce((all, { count }) => all + count, 0)
const by = (counts: MemberCount[], keyOf: (count: MemberCount) => string | null): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(counts, keyOf)].flatMap(([key, alike]) => (key === null ? [] : [[key, sum(alike)]])),
  )

/** A burst as its users read it. */
export const burstView = (burst: ShownBurst) => {
  const { wish, counts, money } = burst
  const { [LEASE]: lease = null, [SPOT]: spot = null, ...metadata } = wish.metadata
  const cost = (micros: number) => ({ amount: amountOf(micros), currency: money.currency })
  return {
    id: burst.id,
    name: burst.name,
    state: burst.state,
    reason: burst.failure ?? burst.reason,
    count: { min: burst.least, max: burst.most },
    members: {
      total: sum(counts),
      statuses: by(counts, ({ status }) => status),
      clouds: by(counts, ({ cloud }) => cloud),
      reported: by(counts, ({ reported }) => reported),
    },
    flavor: wish.flavorId,
    needs: wish.needs,
    image: wish.imageId,
    networks: wish.networks,
    key_name: wish.keyName,
    availability_zone: wish.zone,
    security_groups: wish.securityGroups,
    metadata,
    tags: wish.tags,
    server_group_id: burst.groupId,
    max_hourly_cost: moneyView(burst.maxHourlyCost),
    budget: moneyView(burst.budget),
    deadline: iso(burst.deadline),
    lease,
    spot,
    on_done: burst.onDone,
    cost: {
      hourly: cost(money.hourly),
      so_far: cost(money.soFar),
      projected: money.endless ? null : cost(money.soFar + money.ahead),
    },
    user_id: burst.userId,
    project_id: burst.projectId,
    created_at: iso(burst.createdAt),
    updated_at: iso(burst.updatedAt),
    draining_at: iso(burst.drainingAt),
    finished_at: iso(burst.finishedAt),
    ended_at: iso(burst.endedAt),
  }
}

/** A member as its users read it; of one that is gone the server is not looked up any more. */
export const memberView = ({ member, name, status, zone, cloud, fault }: MemberShown) => ({
  server_id: member.serverId,
  index: member.position,
  name,
  status: member.endedAt === null ? status : 'DELETED',
  cloud,
  zone,
  fault: fault?.message ?? null,
  reported: member.reported,
  message: member.message,
  reported_at: iso(member.reportedAt),
  leaving: member.leaving,
  created_at: iso(member.createdAt),
  ended_at: iso(member.endedAt),
})
