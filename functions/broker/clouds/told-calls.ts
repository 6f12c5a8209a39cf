import type { Cloud } from '../../../adapters/contract.ts'
import type { CloudCall, Host } from '../../context.ts'

type Told = NonNullable<NonNullable<Host['instruments']>['call']>

/** It goes on for as long as somebody listens. */
const NO_CALL = new Set(['watch'])

/**
 * A cloud each of whose calls is told of, for all that are handed it: the one place where calls to clouds are measured. What is
 * no call stays as it is, so that the cloud looks the same.
 */
export const toldCalls = (cloud: Cloud, of: CloudCall['cloud'], told: Told): Cloud => members(cloud, '', of, told)

const members = <T extends object>(realm: T, path: string, of: CloudCall['cloud'], told: Told): T =>
  Object.fromEntries(
    Object.entries(realm).map(([name, member]) => {
      if (NO_CALL.has(name) || Array.isArray(member)) return [name, member]
      if (typeof member === 'object' && member !== null) return [name, members(member, `${path}${name}.`, of, told)]
      if (typeof member !== 'function') return [name, member]
      const call = { cloud: of, method: path + name }
      return [name, (...args: unknown[]) => told(call, async () => member.apply(realm, args))]
    }),
  ) as T
