import type { Change } from '../contract.ts'
import { asCloudError } from '../errors.ts'
import { unclear } from '../shared/refusals.ts'
import { child, childrenOf, type Element, textOf } from '../shared/xml.ts'
import type { Context } from './context.ts'
import { inventoryOf } from './inventory.ts'
import { asRef, type Ref } from './wire/soap.ts'

/** What changes of a machine without us that shows above the line. */
const PATHS = [
  'name',
  'runtime.powerState',
  'runtime.connectionState',
  'runtime.host',
  'summary.runtime.bootTime',
  'config.template',
]
/** vCenter answers after so long even if nothing happened, so that a dead line is noticed. */
const WAIT_SECONDS = 60
/** Machines in one answer; what does not fit comes with the next. */
const MOST = 500

const made = (answer: Element, method: string): Ref => {
  const found = asRef(child(answer, 'returnval'))
  if (!found) throw unclear(method, 'the answer names nothing')
  return found
}

/** A collector of our own: it goes with its session, and says so, where vCenter's one would be silent in another. */
const openCollector = async (context: Context): Promise<{ collector: Ref; close(): Promise<void> }> => {
  const { vim } = context
  const { datacenter } = await inventoryOf(context)
  const { properties, views } = await vim.content()
  const collector = made(await vim.call(properties, 'CreatePropertyCollector'), 'CreatePropertyCollector')
  const opened: Ref[] = []
  const close = async () => {
    await vim.call(collector, 'DestroyPropertyCollector').catch(() => {})
    for (const view of opened) await vim.call(view, 'DestroyView').catch(() => {})
  }
  try {
    const wanted = { container: datacenter.vmFolder, type: ['VirtualMachine'], recursive: true }
    const view = made(await vim.call(views, 'CreateContainerView', wanted), 'CreateContainerView')
    opened.push(view)
    const traversal = { _type: 'TraversalSpec', name: 'view', type: 'ContainerView', path: 'view', skip: false }
    await vim.call(collector, 'CreateFilter', {
      spec: {
        propSet: [{ type: 'VirtualMachine', all: false, pathSet: PATHS }],
        objectSet: [{ obj: view, skip: true, selectSet: traversal }],
      },
      partialUpdates: false,
    })
  } catch (error) {
    await close()
    throw error
  }
  return { collector, close }
}

/** Machines that an answer speaks of. What has left is not told: that something is missing, listings decide. */
const changedIn = (set: Element): Change[] =>
  childrenOf(set, 'filterSet')
    .flatMap((filter) => childrenOf(filter, 'objectSet'))
    .filter((update) => textOf(update, 'kind') !== 'leave')
    .flatMap((update) => {
      const machine = asRef(child(update, 'obj'))
      return machine?.type === 'VirtualMachine' ? [{ kind: 'server' as const, id: machine.id }] : []
    })

/** The collector went with its session, or vCenter started anew. */
const isLost = (error: unknown): boolean =>
  ['ManagedObjectNotFound', 'InvalidCollectorVersion', 'NotAuthenticated'].includes(
    asCloudError(error).detail.cloudCode ?? '',
  )

/**
 * Changes of virtual machines as they happen (PropertyCollector.WaitForUpdatesEx). The first answers tell all that is
 * there and are passed over. Ends when the signal aborts; throws where it cannot go on.
 */
export async function* watch(context: Context, signal: AbortSignal): AsyncGenerator<Change[]> {
  const { vim, surroundings } = context
  const waiting = { timeoutMs: WAIT_SECONDS * 1000 + surroundings.timeoutMs, signal }
  const options = { maxWaitSeconds: WAIT_SECONDS, maxObjectUpdates: MOST }
  for (let told = true; told && !signal.aborted; ) {
    const { collector, close } = await openCollector(context)
    told = false
    try {
      for (let version = '', known = false; !signal.aborted; ) {
        const answer = await vim.call(collector, 'WaitForUpdatesEx', { version, options }, waiting)
        told = true
        const set = child(answer, 'returnval')
        if (!set) continue
        version = textOf(set, 'version') ?? ''
        const changes = changedIn(set)
        if (known && changes.length > 0) yield changes
        if (textOf(set, 'truncated') !== 'true') known = true
      }
    } catch (error) {
      if (signal.aborted) return
      // Once for each session; a collector that is lost before it told anything is no use.
      if (!told || !isLost(error)) throw error
    } finally {
      await close()
    }
  }
}
