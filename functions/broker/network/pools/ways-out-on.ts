import { adapterFor } from '../../../../adapters/registry.ts'
import { cloudsFor } from '../../../../db/queries/clouds/clouds.ts'
import type { Context } from '../../../context.ts'
import { conflicting } from '../network-refusal.ts'
import { whyNoWayOut } from './way-out.ts'

/** What a cloud gives to the networks that grow there: a router, or nothing. */
interface WayOutOn {
  cloud: string
  by: 'router' | null
  /** Why there is none, or what it asks of servers; null: nothing. */
  reason: string | null
}

/** What each of some clouds gives, in the order of their names. */
export const waysOutOn = (clouds: { name: string; type: string }[]): Promise<WayOutOn[]> =>
  Promise.all(
    clouds
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(async ({ name, type }): Promise<WayOutOn> => {
        const adapter = await adapterFor(type)
        const why = adapter ? whyNoWayOut(adapter) : `This process has no adapter of type ${type}.`
        return { cloud: name, by: why === null ? 'router' : null, reason: why ?? adapter?.wayOut ?? null }
      }),
  )

/** A plan of which nothing would come is not taken. Throws `NetworkRefused`. */
export const refuseNoWayOut = async ({ db }: Context, projectId: string): Promise<void> => {
  const ways = await waysOutOn((await cloudsFor(db, { projectId })).map(({ cloud }) => cloud))
  if (ways.some(({ by }) => by !== null)) return
  const whys = ways.map(({ cloud, reason }) => `${cloud}: ${reason}`)
  throw conflicting('NoWayOut', ['No cloud of the project gives a network a way out.', ...whys].join(' '))
}
