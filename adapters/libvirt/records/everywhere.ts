import type { Page } from '../../contract.ts'
import { asCloudError, CloudError } from '../../errors.ts'
import type { Context } from '../context.ts'
import type { HostOption } from '../options.ts'
import { type Host, onHost } from '../wire/host.ts'
import { stoppedPoolsOn } from './volume.ts'

/** What came of work on each of the hosts. */
interface Everywhere<T> {
  found: { host: HostOption; answer: T }[]
  /** Hosts that did not answer. */
  down: HostOption[]
}

/** The same work on every host at once. A host that does not answer is named, and spoils nothing of the others. */
export const everywhere = async <T>(context: Context, work: (host: Host) => Promise<T>): Promise<Everywhere<T>> => {
  const { hosts } = context.options
  const answers = await Promise.allSettled(hosts.map((host) => onHost(context, host, work)))
  const all: Everywhere<T> = { found: [], down: [] }
  for (const [i, answer] of answers.entries()) {
    const host = hosts[i]!
    if (answer.status === 'fulfilled') all.found.push({ host, answer: answer.value })
    else {
      all.down.push(host)
      const { code, message, detail } = asCloudError(answer.reason)
      context.surroundings.log('warn', 'a host does not answer', {
        host: host.name,
        code,
        message: detail.operatorMessage ?? message,
      })
    }
  }
  // Where none answers it is the cloud that does not.
  const [first] = answers
  if (!all.found.length && first?.status === 'rejected') throw ofCloud(first.reason)
  return all
}

const ofCloud = (reason: unknown): unknown => {
  if (!(reason instanceof CloudError)) return reason
  const { part: _, ...detail } = reason.detail
  return new CloudError(reason.code, reason.message, detail)
}

/** The same of what is in pools, which is missing also while one of them is not started. */
export const pageOfPools = async <T>(context: Context, look: (host: Host) => Promise<T[]>): Promise<Page<T>> => {
  let all = true
  const { items, complete } = await pageOf(context, async (host) => {
    if ((await stoppedPoolsOn(host)).length) all = false
    return look(host)
  })
  return { items, complete: complete && all }
}

/** All things of a kind, on every host. Those of a host that does not answer are missing, and the page says so. */
export const pageOf = async <T>(context: Context, look: (host: Host) => Promise<T[]>): Promise<Page<T>> => {
  const { found, down } = await everywhere(context, look)
  return { items: found.flatMap(({ answer }) => answer), complete: down.length === 0 }
}
