import type { Surroundings } from '../../../adapters/contract.ts'
import type { Host } from '../../context.ts'
import { trustOf } from './connection.ts'
import { allowsPrivate, isPrivate, type Reach } from './endpoint.ts'

/** The host's `dial`, for one cloud: nowhere that an endpoint may not be; undefined where the runtime has none. */
export const guardedDial = ({ dial }: Pick<Host, 'dial'>, reach: Reach): Surroundings['dial'] => {
  if (!dial) return undefined
  const open = allowsPrivate(reach)
  return async (to) => {
    if (!open && (to.kind === 'unix' || isPrivate(to.host)))
      throw new Error(`${to.kind === 'unix' ? to.path : to.host} is private; set options.allow_private to allow it`)
    return dial(to, trustOf(reach), open ? () => false : isPrivate)
  }
}
