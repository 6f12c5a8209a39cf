import { CloudError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { ofAgent } from '../errors.ts'
import type { Agent } from '../marks.ts'
import { domainsOn } from '../records/domain.ts'
import { fewAtATime } from '../records/few.ts'
import { type Host, onHost } from '../wire/host.ts'
import { type DomainRef, FREEZE, SET_AGENT_PATIENCE, THAW } from '../wire/procedures.ts'

/*
 * The agent in a guest writes down what the guest keeps in memory of its files, and lets nothing be written until it is told to:
 * what a disk has meanwhile is whole.
 */

const ALL = { mountpoints: [], flags: 0 }
const TRIES = 3

/** The shares of a call's time for which a guest is waited for: until it holds still, and until it goes on. */
const STILL_SHARE = 0.5
const ON_SHARE = 0.25
/** And that after which whoever had it hold still has died. */
const HELD_SHARE = 1.5

const late = (ms: number): Promise<null> =>
  new Promise((resolve) => AbortSignal.timeout(ms).addEventListener('abort', () => resolve(null)))

const keyOf = ({ connection }: Context, host: Host, { uuid }: DomainRef): string =>
  `libvirt/still/${connection.cloudId}/${host.name}/${uuid}`

interface Hold {
  by: string
  until: number
}

/** Whether somebody has a guest hold still at this moment, and tells it himself to go on. */
const isHeld = async (context: Context, host: Host, domain: DomainRef): Promise<boolean> => {
  const { store, now } = context.surroundings
  const held = (await store.get(keyOf(context, host, domain)))?.value as Hold | undefined
  return held !== undefined && held.until > now()
}

/**
 * Of two copies of a server's disks one has its guest hold still at a time: else the first that is done would let it write
 * under the other. False: another has it, and nothing was done.
 */
const alone = async (
  context: Context,
  host: Host,
  domain: DomainRef,
  work: () => Promise<boolean>,
): Promise<boolean> => {
  const { store, now, timeoutMs } = context.surroundings
  const key = keyOf(context, host, domain)
  if (await isHeld(context, host, domain)) return false
  const before = await store.get(key)
  const hold = { by: crypto.randomUUID(), until: now() + HELD_SHARE * timeoutMs }
  if (!(await store.put(key, hold, before?.version ?? 0))) return false
  try {
    return await work()
  } finally {
    const kept = await store.get(key)
    if (kept && (kept.value as unknown as Hold).by === hold.by) await store.delete(key, kept.version)
  }
}

/** Tells guests by a line of their own: it goes on when the work is over, and one that does not answer holds up nothing else. */
const tell = async (context: Context, host: Host, domains: DomainRef[]): Promise<boolean[]> => {
  const { options, surroundings } = context
  const option = options.hosts.find(({ name }) => name === host.name)
  if (!option) return []
  const told = onHost(context, option, (own) => fewAtATime(domains, (domain) => goOn(context, own, domain))).catch(
    (error) => {
      surroundings.log('warn', 'guests may hold their files still', { host: host.name, reason: String(error) })
      return []
    },
  )
  return (await Promise.race([told, late(ON_SHARE * surroundings.timeoutMs)])) ?? []
}

const goOn = async ({ surroundings }: Context, host: Host, domain: DomainRef): Promise<boolean> => {
  for (let i = 1; i <= TRIES; i++) {
    try {
      await host.call(THAW, { domain, ...ALL })
      return true
    } catch (error) {
      if (i === TRIES)
        surroundings.log('warn', 'a guest may hold its files still', { domain: domain.uuid, reason: String(error) })
    }
  }
  return false
}

/** Lets a guest write again, which may be repeated: one that is not held still is let be. @returns whether it was told in time */
const thaw = async (context: Context, host: Host, domain: DomainRef): Promise<boolean> =>
  (await tell(context, host, [domain]))[0] ?? false

/** The same where whoever had it hold still may have died before it said so. */
export const thawLeft = async (context: Context, host: Host, domain: DomainRef): Promise<void> => {
  if (!(await isHeld(context, host, domain))) await thaw(context, host, domain)
}

/** Lets every guest of ours on a host write again that may be held still, and by whom is not known any more. */
export const thawAll = async (context: Context, host: Host): Promise<void> => {
  const { deployment } = context.connection
  const may: DomainRef[] = []
  for (const { ref, power, note } of await domainsOn(host))
    if (power === 'running' && note?.mark.deployment === deployment && note.made?.agent?.quiesce)
      if (!(await isHeld(context, host, ref))) may.push(ref)
  if (may.length) await tell(context, host, may)
}

const UNSTILL = 'The guest does not hold its files still.'

/** @throws `conflict` where it does not in time */
const freeze = async ({ surroundings }: Context, host: Host, domain: DomainRef): Promise<void> => {
  const ms = STILL_SHARE * surroundings.timeoutMs
  const seconds = Math.ceil(ms / 1000)
  // libvirt lets go of the agent by itself then, which it has to before the guest can be told to go on.
  const patient = host.call(SET_AGENT_PATIENCE, { domain, seconds, flags: 0 }).catch(() => {})
  const still = patient.then(() => host.call(FREEZE, { domain, ...ALL }))
  const answer = await Promise.race([ofAgent(still, UNSTILL), late(ms)])
  if (answer === null) throw new CloudError('conflict', UNSTILL, { operatorMessage: `no answer in ${ms} ms` })
}

/**
 * Does something while a guest holds still.
 * @param how absent: its image says nothing of an agent
 * @returns false: another copy has it hold still, or it was not told to go on, which is seen to by the next step
 * @throws `conflict` where it has to and no agent does as it is told
 */
export const quiesced = async (
  context: Context,
  host: Host,
  domain: DomainRef,
  how: Agent['quiesce'],
  work: () => Promise<unknown>,
): Promise<boolean> => {
  const done = async () => {
    await work()
    return true
  }
  if (!how) return done()
  return alone(context, host, domain, async () => {
    try {
      await freeze(context, host, domain)
    } catch (error) {
      // It may have heard all the same.
      await thaw(context, host, domain)
      if (how === 'required') throw error
      return done()
    }
    let goesOn = false
    try {
      await work()
    } finally {
      goesOn = await thaw(context, host, domain)
    }
    return goesOn
  })
}
