import type { NativeId, Power, Progress, ServerRealm } from '../contract.ts'
import { gone } from './refusals.ts'

/** Shelving where a machine that is off takes no room: its disks and addresses stay, and its start asks for room anew. */
export const shelvedByPower = ({ get, start, stop }: Pick<ServerRealm, 'get' | 'start' | 'stop'>) => {
  const towards =
    (wanted: Power, call: (id: NativeId) => Promise<void>) =>
    async (id: NativeId): Promise<Progress> => {
      const seen = await get(id)
      if (!seen) throw gone(id)
      if (seen.power === wanted) return 'done'
      if (seen.power !== 'changing') await call(id)
      return 'going'
    }
  return { shelve: towards('stopped', stop), unshelve: towards('running', start) }
}
