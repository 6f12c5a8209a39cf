import type { Mark, ServerSpec, Size } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { guestPort } from '../network/guest-port.ts'
import type { HostOption } from '../options.ts'
import { type Domain, domainsOn } from '../records/domain.ts'
import { baseOf, imageOn } from '../storage/image-volume.ts'
import { type Host, onHost } from '../wire/host.ts'
import { GET_NODE_INFO } from '../wire/procedures.ts'
import { memoryOf } from '../zones.ts'
import { leaveSeat, type Seats, takeSeat, unseen } from './seats.ts'

/** What a host says to a server that might be made there. */
interface Candidate {
  option: HostOption
  /** The machine of an earlier call. */
  earlier: Domain | null
  freeMiB: number
  /** Servers of its group that are there. */
  ofGroup: number
}

/** Of what others have only what runs counts; what is ours may be started at any time. */
const isPromised = ({ connection }: Context, { power, note }: Domain): boolean =>
  (note?.mark.deployment === connection.deployment && !note.shelved) || (power !== 'stopped' && power !== 'suspended')

const KIB = 1024

/** What is left of a host's memory, in MiB, once a server of that size is there beside what is promised; null: it does not fit. */
const roomFor = async (
  context: Context,
  host: Host,
  size: Pick<Size, 'vcpus' | 'ramMiB'>,
  domains: Domain[],
  seats: Seats,
): Promise<number | null> => {
  const { overcommit, reservedRamMiB } = context.options
  const node = await host.call(GET_NODE_INFO, null)
  const ramMiB = Math.floor((await memoryOf(host, node.memoryKiB)) / KIB)
  const promised = [
    ...domains.filter((domain) => isPromised(context, domain)),
    ...unseen(seats, host, domains).map(([, { vcpus, ramMiB: taken }]) => ({ cpus: vcpus, ramMiB: taken })),
  ]
  const sum = (of: (each: Pick<Domain, 'cpus' | 'ramMiB'>) => number) =>
    promised.reduce((all, each) => all + of(each), 0)
  const freeMiB = (ramMiB - reservedRamMiB) * overcommit.ram - sum((each) => each.ramMiB) - size.ramMiB
  const cpus = node.cpus * overcommit.vcpus - sum((each) => each.cpus) - size.vcpus
  // Nobody gets more processors than there are.
  return freeMiB >= 0 && cpus >= 0 && size.vcpus <= node.cpus ? freeMiB : null
}

/** How many servers of a group are on a host, or are to be. */
const membersOn = (host: Host, { group }: ServerSpec, domains: Domain[], seats: Seats): number =>
  group
    ? domains.filter(({ note }) => note?.made?.group === group.id).length +
      unseen(seats, host, domains).filter(([, seat]) => seat.group === group.id).length
    : 0

const ask = async (
  context: Context,
  option: HostOption,
  spec: ServerSpec,
  mark: Mark,
  seats: Seats,
): Promise<Candidate | CloudError> =>
  onHost(context, option, async (host) => {
    const domains = await domainsOn(host)
    const earlier = domains.find(({ note }) => note?.mark.token === mark.token) ?? null
    const ofGroup = membersOn(host, spec, domains, seats)
    if (earlier) return { option, earlier, freeMiB: 0, ofGroup }
    // Those who are to be together with a server have to go where it is.
    if (option.maintenance) return ofGroup ? { option, earlier, freeMiB: -1, ofGroup } : FULL
    if (spec.image && !(await imageOn(context, host, baseOf(spec.image)))?.whole)
      return new CloudError('not_found', 'The cloud does not know this object.', {
        operatorMessage: `host ${host.name} has no image ${spec.image}`,
      })
    if (spec.boot && spec.boot.volume.split('/', 1)[0] !== host.name)
      return new CloudError('definitive', 'The volume is on another host than the server.')
    for (const port of spec.ports) await guestPort(host, port)
    const freeMiB = (await roomFor(context, host, spec.size, domains, seats)) ?? -1
    return freeMiB < 0 && !ofGroup ? FULL : { option, earlier: null, freeMiB, ofGroup }
  })

const FULL = new CloudError('capacity', 'The zone has no room for a server of this size at the moment.', {
  shortage: 'no-capacity',
})

const FULL_FOR_GROUP = new CloudError(
  'capacity',
  'The zone has no host left on which the group of the server allows one more.',
)

/**
 * Whether there is room for a machine that is defined by now: those of other brokers are there by then as well, and count.
 * @throws `capacity`
 */
export const assertRoom = async (context: Context, host: Host, { ref, cpus, ramMiB }: Domain): Promise<void> => {
  const others = (await domainsOn(host)).filter(({ ref: { uuid } }) => uuid !== ref.uuid)
  if ((await roomFor(context, host, { vcpus: cpus, ramMiB }, others, {})) === null) throw FULL
}

/** Does something for which a server that is there needs so much room on its host in all. @throws `capacity` */
export const withRoom = async (
  context: Context,
  host: Host,
  { ref, cpus, ramMiB, note }: Domain,
  size: Pick<Size, 'vcpus' | 'ramMiB'>,
  work: () => Promise<unknown>,
): Promise<void> => {
  const has = note?.shelved ? { cpus: 0, ramMiB: 0 } : { cpus, ramMiB }
  await takeSeat(context, host.zone, ref.uuid, async (seats) => {
    const others = (await domainsOn(host)).filter(({ ref: { uuid } }) => uuid !== ref.uuid)
    if ((await roomFor(context, host, size, others, seats)) === null) throw FULL
    const [vcpus, more] = [Math.max(0, size.vcpus - has.cpus), Math.max(0, size.ramMiB - has.ramMiB)]
    return { host: host.name, vcpus, ramMiB: more, group: null, beside: true }
  })
  try {
    await work()
  } finally {
    await leaveSeat(context, host.zone, ref.uuid)
  }
}

const keyOf = ({ connection }: Context, { token }: Mark): string => `libvirt/seat/${connection.cloudId}/${token}`

/** Of those that could have a server the ones that its group allows, the best first. */
const allowed = ({ group }: ServerSpec, candidates: Candidate[]): Candidate[] => {
  const roomy = candidates.filter(({ freeMiB }) => freeMiB >= 0).toSorted((a, b) => b.freeMiB - a.freeMiB)
  const others = candidates.some(({ ofGroup }) => ofGroup > 0)
  switch (group?.policy) {
    case 'affinity':
      return others ? roomy.filter(({ ofGroup }) => ofGroup > 0) : roomy
    case 'anti-affinity':
      return roomy.filter(({ ofGroup }) => ofGroup < (group.mostPerHost ?? 1)).toSorted((a, b) => a.ofGroup - b.ofGroup)
    case 'soft-affinity':
      return roomy.toSorted((a, b) => b.ofGroup - a.ofGroup)
    case 'soft-anti-affinity':
      return roomy.toSorted((a, b) => a.ofGroup - b.ofGroup)
    default:
      return roomy
  }
}

/**
 * The host on which a server is made, or was: the one of the zone that its group prefers, or that has the most memory left. Its
 * room is taken and it is noted before anything is asked of it, so that the same token is never made on two.
 * @throws `capacity` where none has room, and what stands in the way where that is the same for all
 */
export const hostFor = async (context: Context, spec: ServerSpec, mark: Mark): Promise<HostOption> => {
  const { options, surroundings } = context
  const hosts = options.hosts.filter(({ zone }) => zone === spec.zone)
  if (!hosts.length) refuse(`The cloud has no zone ${spec.zone}.`)
  const key = keyOf(context, mark)
  const noted = await surroundings.store.get(key)
  const seat = hosts.find(({ name }) => name === noted?.value)
  const name = await takeSeat(context, spec.zone, mark.resource, async (seats) => {
    const host = await choose(context, spec, mark, seat ? [seat] : hosts, seats)
    const { vcpus, ramMiB } = spec.size
    return { host, vcpus, ramMiB, group: spec.group?.id ?? null, beside: false }
  })
  const option = hosts.find((each) => each.name === name)!
  if (hosts.length === 1 || seat || (await surroundings.store.put(key, option.name, 0))) return option
  return hostFor(context, spec, mark)
}

const choose = async (
  context: Context,
  spec: ServerSpec,
  mark: Mark,
  hosts: HostOption[],
  seats: Seats,
): Promise<string> => {
  const asked = await Promise.all(
    hosts.map((option) =>
      ask(context, option, spec, mark, seats).catch((error: unknown) => {
        if (error instanceof CloudError) return error
        throw error
      }),
    ),
  )
  const candidates = asked.filter((each): each is Candidate => !(each instanceof CloudError))
  const refusals = asked.filter((each) => each instanceof CloudError)
  const earlier = candidates.find((each) => each.earlier)
  if (earlier) return earlier.option.name
  const first = (wanted: string) => refusals.find(({ code }) => code === wanted)
  // Of a host that does not answer nobody knows what it would have said, nor whether the others of a group are there.
  const lonely = spec.group?.policy === 'affinity' && !candidates.some(({ ofGroup }) => ofGroup > 0)
  const [best] = lonely && first('ambiguous') ? [] : allowed(spec, candidates)
  if (best) return best.option.name
  if (candidates.some(({ freeMiB }) => freeMiB >= 0)) throw first('ambiguous') ?? FULL_FOR_GROUP
  throw first('ambiguous') ?? first('capacity') ?? refusals[0] ?? FULL
}

/** The hosts on which the server of a mark may be: the one that was chosen for it, or each of its zone. */
export const hostsOf = async (context: Context, zone: string, mark: Mark): Promise<string[]> => {
  const names = context.options.hosts.filter((host) => host.zone === zone).map(({ name }) => name)
  const noted = await context.surroundings.store.get(keyOf(context, mark))
  const seat = names.find((name) => name === noted?.value)
  return seat === undefined ? names : [seat]
}

/** The server is gone, or never will be: neither room nor host is kept for it. */
export const forgetSeat = async (context: Context, zone: string, mark: Mark): Promise<void> => {
  await leaveSeat(context, zone, mark.resource)
  await forgetHost(context, mark)
}

/** The same where nobody knows its zone any more: room that nobody came for is free by itself. */
export const forgetHost = async (context: Context, mark: Mark): Promise<void> => {
  await context.surroundings.store.delete(keyOf(context, mark))
}
