import type { Context } from '../context.ts'
import type { Agent } from '../marks.ts'
import type { Host } from '../wire/host.ts'
import { type DomainRef, FREEZE, THAW } from '../wire/procedures.ts'

/*
 * The agent in a guest writes down what the guest keeps in memory of its files, and lets nothing be written until it is told to:
 * what a disk has meanwhile is whole.
 */

const ALL = { mountpoints: [], flags: 0 }
const TRIES = 3

/** Lets a guest write again, which may be repeated: one that is not held still is let be. */
export const thaw = async ({ surroundings }: Context, host: Host, domain: DomainRef): Promise<void> => {
  for (let i = 1; i <= TRIES; i++) {
    try {
      await host.call(THAW, { domain, ...ALL })
      return
    } catch (error) {
      if (i === TRIES)
        surroundings.log('warn', 'a guest may hold its files still', { domain: domain.uuid, reason: String(error) })
    }
  }
}

/**
 * Does something while a guest holds still.
 * @param how absent: its image says nothing of an agent
 * @throws `conflict` where it has to and no agent answers
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
    await host.call(FREEZE, { domain, ...ALL })
  } catch (error) {
    // It may have heard all the same.
    await thaw(context, host, domain)
    if (how === 'required') throw error
    return void (await work())
  }
  try {
    await work()
  } finally {
    await thaw(context, host, domain)
  }
}
