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

/** What a host says to a server that might be made there. */
interface Candidate {
  option: HostOption
  /** The machine of an earlier call. */
  earlier: Domain | null
  freeMiB: number
}

/** Of what others have only what runs counts; what is ours may be started at any time. */
const isPromised = ({ connection }: Context, { power, note }: Domain): boolean =>
  (note?.mark.deployment === connection.deployment && !note.shelved) || (power !== 'stopped' && power !== 'suspended')

const KIB = 1024

/** What is left of a host's memory, in MiB, once a server of that size is there beside others; null: it does not fit. */
export const roomFor = async (
  context: Context,
  host: Host,
  size: Pick<Size, 'vcpus' | 'ramMiB'>,
  domains: Domain[],
): Promise<number | null> => {
  const { overcommit, reservedRamMiB } = context.options
  const node = await host.call(GET_NODE_INFO, null)
  const ramMiB = Math.floor((await memoryOf(host, node.memoryKiB)) / KIB)
  const taken = domains.filter((domain) => isPromised(context, domain))
  const sum = (of: (domain: Domain) => number) => taken.reduce((all, domain) => all + of(domain), 0)
  const freeMiB = (ramMiB - reservedRamMiB) * overcommit.ram - sum((domain) => domain.ramMiB) - size.ramMiB
  const cpus = node.cpus * overcommit.vcpus - sum((domain) => domain.cpus) - size.vcpus
  // Nobody gets more processors than there are.
  return freeMiB >= 0 && cpus >= 0 && size.vcpus <= node.cpus ? freeMiB : null
}

const ask = async (
  context: Context,
  option: HostOption,
  spec: ServerSpec,
  mark: Mark,
): Promise<Candidate | CloudError> =>
  onHost(context, option, async (host) => {
    const domains = await domainsOn(host)
    const earlier = domains.find(({ note }) => note?.mark.token === mark.token) ?? null
    if (earlier) return { option, earlier, freeMiB: 0 }
    if (option.maintenance) return FULL
    if (spec.image && !(await imageOn(context, host, baseOf(spec.image)))?.whole)
      return new CloudError('not_found', 'The cloud does not know this object.', {
        operatorMessage: `host ${host.name} has no image ${spec.image}`,
      })
    if (spec.boot && spec.boot.volume.split('/', 1)[0] !== host.name)
      return new CloudError('definitive', 'The volume is on another host than the server.')
    for (const port of spec.ports) await guestPort(host, port)
    const freeMiB = await roomFor(context, host, spec.size, domains)
    return freeMiB === null ? FULL : { option, earlier: null, freeMiB }
  })

const FULL = new CloudError('capacity', 'The zone has no room for a server of this size at the moment.', {
  shortage: 'no-capacity',
})

/**
 * Whether there is room for a machine that is defined by now: whoever was placed at the same time is there by then as well, and
 * counts. Two that meet may both be refused, and never both be let in. @throws `capacity`
 */
export const assertRoom = async (context: Context, host: Host, { ref, cpus, ramMiB }: Domain): Promise<void> => {
  const others = (await domainsOn(host)).filter(({ ref: { uuid } }) => uuid !== ref.uuid)
  if ((await roomFor(context, host, { vcpus: cpus, ramMiB }, others)) === null) throw FULL
}

const keyOf = ({ connection }: Context, { token }: Mark): string => `libvirt/seat/${connection.cloudId}/${token}`

/**
 * The host on which a server is made, or was: the one of the zone with the most memory left. It is noted before anything is
 * asked of it, so that the same token is never made on two.
 * @throws `capacity` where none has room, and what stands in the way where that is the same for all
 */
export const hostFor = async (context: Context, spec: ServerSpec, mark: Mark): Promise<HostOption> => {
  const { options, surroundings } = context
  const hosts = options.hosts.filter(({ zone }) => zone === spec.zone)
  if (!hosts.length) refuse(`The cloud has no zone ${spec.zone}.`)
  const [only] = hosts
  const key = keyOf(context, mark)
  const noted = await surroundings.store.get(key)
  const seat = hosts.find(({ name }) => name === noted?.value)
  const asked = await Promise.all(
    (seat ? [seat] : hosts).map((option) =>
      ask(context, option, spec, mark).catch((error: unknown) => {
        if (error instanceof CloudError) return error
        throw error
      }),
    ),
  )
  const candidates = asked.filter((each): each is Candidate => !(each instanceof CloudError))
  const earlier = candidates.find((each) => each.earlier)
  if (earlier) return earlier.option
  const best = candidates.toSorted((a, b) => b.freeMiB - a.freeMiB)[0]
  if (!best) {
    const refusals = asked.filter((each) => each instanceof CloudError)
    // Of a host that does not answer nobody knows what it would have said.
    const first = (wanted: string) => refusals.find(({ code }) => code === wanted)
    throw first('ambiguous') ?? first('capacity') ?? refusals[0] ?? FULL
  }
  if (hosts.length === 1) return only!
  if (seat || (await surroundings.store.put(key, best.option.name, 0))) return best.option
  return hostFor(context, spec, mark)
}

/** The hosts on which the server of a mark may be: the one that was chosen for it, or each of its zone. */
export const hostsOf = async (context: Context, zone: string, mark: Mark): Promise<string[]> => {
  const names = context.options.hosts.filter((host) => host.zone === zone).map(({ name }) => name)
  const noted = await context.surroundings.store.get(keyOf(context, mark))
  const seat = names.find((name) => name === noted?.value)
  return seat === undefined ? names : [seat]
}

/** The server is there, or never will be: its seat need not be remembered. */
export const forgetSeat = (context: Context, mark: Mark): Promise<unknown> =>
  context.surroundings.store.delete(keyOf(context, mark))
