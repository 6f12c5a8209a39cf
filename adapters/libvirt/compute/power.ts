import type { NativeId, Power } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone } from '../../shared/refusals.ts'
import { nextTowardsOff } from '../../shared/shutdown.ts'
import type { Context } from '../context.ts'
import { type Domain, domainOf } from '../records/domain.ts'
import { atHostOf, partsOf } from '../records/ids.ts'
import type { Host } from '../wire/host.ts'
import { CUT_POWER, PAUSE, REBOOT, RESET, SAVE, SHUT_DOWN, START, UNPAUSE } from '../wire/procedures.ts'
import { writeInto } from './note.ts'
import { withRoom } from './place.ts'

/** Does something to a domain that carries our mark. @throws `not_found`, or `definitive` for somebody else's */
export const withOurs = async (
  context: Context,
  id: NativeId,
  work: (host: Host, domain: Domain) => Promise<unknown>,
): Promise<void> => {
  const [uuid = ''] = partsOf(id, 1)
  const done = await atHostOf(context, id, async (host) => {
    const domain = await domainOf(host, uuid)
    if (!domain) return null
    assertOurs(domain.note?.mark, context.connection.deployment)
    await work(host, domain)
    return true
  })
  if (!done) throw gone(id)
}

const refuseUnless = (power: Power, wanted: Power, sentence: string): void => {
  if (power !== wanted) throw new CloudError('conflict', sentence)
}

/** Long after a guest was asked to shut down it is asked anew: it was started since, and not by us. */
const FORGOTTEN_MS = 600_000

/** Under which it is kept when a guest was asked to shut down. */
const keyOf = ({ connection }: Context, id: NativeId): string => `libvirt/shutdown/${connection.cloudId}/${id}`
/** Under which it is kept since when a host is busy with a guest that is to be off. */
const busyKeyOf = ({ connection }: Context, id: NativeId): string => `libvirt/busy/${connection.cloudId}/${id}`

/** A host that saves, moves or dumps a guest is given so long at least. */
const LEAST_BUSY_MS = 30_000

/**
 * Takes one step towards off: the guest is asked to shut down by its power button, and its power is cut once it has had
 * `options.shutdownMs`. One that is paused hears nothing, and one that its host is busy with is let be for as long.
 */
export const stop = async (context: Context, id: NativeId, host: Host, { ref, power }: Domain): Promise<void> => {
  const { options, surroundings } = context
  const key = keyOf(context, id)
  if (power === 'stopped') {
    await surroundings.store.delete(key)
    return
  }
  const busyKey = busyKeyOf(context, id)
  if (power === 'changing') {
    const patienceMs = Math.max(options.shutdownMs, LEAST_BUSY_MS)
    const busy = { listens: true, patienceMs, forgottenMs: patienceMs + FORGOTTEN_MS }
    if ((await nextTowardsOff(surroundings, busyKey, busy)) === 'cut')
      await host.call(CUT_POWER, { domain: ref, flags: 0 })
    return
  }
  await surroundings.store.delete(busyKey)
  const patienceMs = options.shutdownMs
  const patience = {
    listens: power === 'running' && patienceMs > 0,
    patienceMs,
    forgottenMs: patienceMs + FORGOTTEN_MS,
  }
  const next = await nextTowardsOff(surroundings, key, patience)
  if (next !== 'wait') await host.call(next === 'ask' ? SHUT_DOWN : CUT_POWER, { domain: ref, flags: 0 })
}

/** The same as `withOurs`, for what goes on anew: its next stop begins with a press of the button again. */
const goingOn = async (context: Context, id: NativeId, work: (host: Host, domain: Domain) => Promise<unknown>) =>
  withOurs(context, id, async (host, domain) => {
    for (const key of [keyOf(context, id), busyKeyOf(context, id)]) await context.surroundings.store.delete(key)
    await work(host, domain)
  })

/**
 * Starts a machine. One that wakes up has the metadata with which it fell asleep, so what is noted of it is noted again.
 */
export const turnOn = async (host: Host, { ref, power, note }: Domain): Promise<void> => {
  await host.call(START, { domain: ref, flags: 0 })
  const now = power === 'suspended' && note ? await domainOf(host, ref.uuid) : null
  if (now && note) await writeInto(host, now, note)
}

/** Promises room again to a server that was promised none. @throws `capacity` where there is none for it */
export const offShelf = async (context: Context, host: Host, domain: Domain): Promise<void> => {
  if (!domain.note?.shelved) return
  const { shelved: _, ...note } = domain.note
  const { cpus: vcpus, ramMiB } = domain
  await withRoom(context, host, domain, { vcpus, ramMiB }, () => writeInto(host, domain, note))
}

/** What may be done to the power of a server that is ours; that it is as wanted already is success. */
export const powerActions = (context: Context) => ({
  start: (id: NativeId) =>
    goingOn(context, id, async (host, domain) => {
      await offShelf(context, host, domain)
      if (domain.power === 'stopped' || domain.power === 'suspended') await turnOn(host, domain)
    }),
  stop: (id: NativeId) => withOurs(context, id, (host, domain) => stop(context, id, host, domain)),
  reboot: (id: NativeId, hard: boolean) =>
    goingOn(context, id, async (host, domain) => {
      const { ref, power } = domain
      await offShelf(context, host, domain)
      if (power === 'stopped') await host.call(START, { domain: ref, flags: 0 })
      else await host.call(hard ? RESET : REBOOT, { domain: ref, flags: 0 })
    }),
  pause: (id: NativeId) =>
    withOurs(context, id, async (host, { ref, power }) => {
      if (power === 'paused') return
      refuseUnless(power, 'running', 'Only a server that runs is paused.')
      await host.call(PAUSE, { domain: ref })
    }),
  unpause: (id: NativeId) =>
    withOurs(context, id, async (host, { ref, power }) => {
      if (power === 'paused') await host.call(UNPAUSE, { domain: ref })
    }),
  suspend: (id: NativeId) =>
    withOurs(context, id, async (host, { ref, power }) => {
      if (power === 'suspended') return
      refuseUnless(power, 'running', 'Only a server that runs is suspended.')
      await host.call(SAVE, { domain: ref, flags: 0 })
    }),
  resume: (id: NativeId) =>
    goingOn(context, id, async (host, domain) => {
      if (domain.power === 'suspended') await turnOn(host, domain)
    }),
})
