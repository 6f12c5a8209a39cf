import type { NativeId } from '../../contract.ts'
import type { Context } from '../context.ts'
import type { HostOption } from '../options.ts'
import { type Host, onHost } from '../wire/host.ts'

/** Every native id begins with the name of its host; what follows is the kind's own, and may have slashes in it. */
export const idOn = ({ name }: Pick<HostOption, 'name'>, ...parts: string[]): NativeId => [name, ...parts].join('/')

/** The parts of an id behind its host, as many as are asked for; the last one has what is left. */
export const partsOf = (id: NativeId, count: number): string[] => {
  const [, ...parts] = id.split('/')
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join('/')]
}

/** What is found on the host of an id; null where no such host is part of the cloud. */
export const atHostOf = async <T>(
  context: Context,
  id: NativeId,
  find: (host: Host) => Promise<T | null>,
): Promise<T | null> => {
  const name = id.split('/', 1)[0]
  const option = context.options.hosts.find((each) => each.name === name)
  return option ? onHost(context, option, find) : null
}
