import type { NativeId, Power, Progress } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone } from '../../shared/refusals.ts'
import { nextTowardsOff } from '../../shared/shutdown.ts'
import type { Context } from '../context.ts'
import { type Domain, domainOf } from '../records/domain.ts'
import { atHostOf, partsOf } from '../records/ids.ts'
import type { Host } from '../wire/host.ts'
import { CUT_POWER, PAUSE, RESET, SAVE, SHUT_DOWN, START, UNPAUSE } from '../wire/procedures.ts'
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

/** Under which it is kept as which life of its machine a server was to be started anew. */
const lifeKeyOf = ({ connection }: Context, id: NativeId): string => `libvirt/life/${connection.cloudId}/${id}`

/** Forgets what is kept of the power of a server that is no more. */
export const forgetPower = async (context: Context, id: NativeId): Promise<void> => {
  for (const key of [keyOf(context, id), busyKeyOf(context, id), lifeKeyOf(context, id)])
    await context.surroundings.store.delete(key)
}

/**
 * Takes one step towards another life of a machine, which libvirt gives a number of its own: a guest that does not hear the button
 * has the time that it has for a stop, as with Nova (nova/virt/libvirt/driver.py, _soft_reboot).
 */
const restart = async (context: Context, id: NativeId, token: string): Promise<Progress> => {
  const { store } = context.surroundings
  let progress: Progress = 'going'
  await withOurs(context, id, async (host, domain) => {
    const { ref, power } = domain
    const key = lifeKeyOf(context, id)
    const kept = await store.get(key)
    const [of, life] = (kept?.value ?? []) as [token?: string, life?: number]
    if (of !== token) {
      for (const stale of [keyOf(context, id), busyKeyOf(context, id)]) await store.delete(stale)
      if (!(await store.put(key, [token, ref.id], kept?.version ?? 0))) return
    } else if (power === 'running' && ref.id !== life) {
      progress = 'done'
      return
    }
    if (power === 'stopped' || power === 'suspended') {
      await offShelf(context, host, domain)
      await turnOn(host, domain)
    } else await stop(context, id, host, domain)
  })
  return progress
}

/** What may be done to the power of a server that is ours; that it is as wanted already is success. */
export const powerActions = (context: Context) => ({
  start: (id: NativeId) =>
    goingOn(context, id, async (host, domain) => {
      await offShelf(context, host, domain)
      if (domain.power === 'stopped' || domain.power === 'suspended') await turnOn(host, domain)
    }),
  stop: (id: NativeId) => withOurs(context, id, (host, domain) => stop(context, id, host, domain)),
  restart: (id: NativeId, token: string) => restart(context, id, token),
  reboot: (id: NativeId) =>
    goingOn(context, id, async (host, domain) => {
      const { ref, power } = domain
      await offShelf(context, host, domain)
      if (power === 'stopped') await host.call(START, { domain: ref, flags: 0 })
      else await host.call(RESET, { domain: ref, flags: 0 })
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
