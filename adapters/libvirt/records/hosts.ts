import { createHash } from 'node:crypto'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import type { HostOption } from '../options.ts'

/** The hosts that are a zone, in the order in which the token prefers them: it stays the same when others come or go. */
export const hostsFor = (
  { options }: Pick<Context, 'options'>,
  zone: string,
  token: string,
): [HostOption, ...HostOption[]] => {
  const rank = ({ name }: HostOption) => createHash('sha256').update(`${token}/${name}`).digest('hex')
  const [first, ...others] = options.hosts
    .filter((host) => host.zone === zone)
    .map((host) => ({ host, rank: rank(host) }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ host }) => host)
  return first ? [first, ...others] : refuse(`The cloud has no zone ${zone}.`)
}
