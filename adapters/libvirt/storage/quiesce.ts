import { CloudError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { ofAgent } from '../errors.ts'
import type { Agent } from '../marks.ts'
import { domainsOn } from '../records/domain.ts'
import { fewAtATime } from '../records/few.ts'
import { type Host, onHost } from '../wire/host.ts'
import { type DomainRef, FREEZE, THAW } from '../wire/procedures.ts'

/*
 * The agent in a guest writes down what the guest keeps in memory of its files, and lets nothing be written until it is told to:
 * what a disk has meanwhile is whole.
 */

const ALL = { mountpoints: [], flags: 0 }
const TRIES = 3

/** Lets a guest write again, which may be repeated: one that is not held still is let be. @returns whether it was told */
export const thaw = async ({ surroundings }: Context, host: Host, domain: DomainRef): Promise<boolean> => {
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

/** The share of a call's time for which guests are waited for that somebody else's work is not about. */
const SHARE = 0.25

/**
 * Lets every guest of ours on a host write again that may be held still, and by whom is not known any more. They are told by a
 * line of their own: one that does not answer holds up nothing else.
 */
export const thawAll = async (context: Context, host: Host): Promise<void> => {
  const { connection, options, surroundings } = context
  const may = (await domainsOn(host)).filter(
    ({ power, note }) =>
      power === 'running' && note?.mark.deployment === connection.deployment && note.made?.agent?.quiesce,
  )
  const option = options.hosts.find(({ name }) => name === host.name)
  if (!may.length || !option) return
  const told = onHost(context, option, (own) => fewAtATime(may, ({ ref }) => thaw(context, own, ref))).catch((error) =>
    surroundings.log('warn', 'guests may hold their files still', { host: host.name, reason: String(error) }),
  )
  await Promise.race([told, surroundings.sleep(SHARE * surroundings.timeoutMs)])
}

/**
 * Does something while a guest holds still.
 * @param how absent: its image says nothing of an agent
 * @throws `conflict` where it has to and no agent does as it is told, or where the guest was not told to go on
 */
export const quiesced = async (
  context: Context,
  host: Host,
  domain: DomainRef,
  how: Agent['quiesce'],
  work: () => Promise<unknown>,
): Promise<void> => {
  if (!how) return void (await work())
  try {
    await ofAgent(host.call(FREEZE, { domain, ...ALL }), 'The guest does not hold its files still.')
  } catch (error) {
    // It may have heard all the same.
    await thaw(context, host, domain)
    if (how === 'required') throw error
    return void (await work())
  }
  let goesOn = false
  try {
    await work()
  } finally {
    goesOn = await thaw(context, host, domain)
  }
  if (!goesOn) throw new CloudError('conflict', 'The guest may hold its files still, and does not answer.')
}
