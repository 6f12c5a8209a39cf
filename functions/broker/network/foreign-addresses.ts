import type { Cloud, Kind } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { boundTo } from '../../../db/queries/line/adopt.ts'
import { changeTaken, subnetsBound, type TakenAddress, takenOn } from '../../../db/queries/network/foreign-addresses.ts'
import type { Context } from '../../context.ts'
import { listOn, type Sighting } from '../clouds/listing.ts'

/** How long an adoption may wait for the list of ports, in milliseconds; the next sweep comes within a minute. */
const TIME = 5_000

interface Shown {
  cloudId: string
  projectIds: string[]
  shown: Iterable<Sighting>
  /** Native ids of ports that have a row here, and their addresses with it. */
  ours: Set<string>
}

/**
 * Addresses on our subnets that something else on the cloud has: machines of others, balancers, databases. Nobody is given
 * one of them, as if a port of ours still held it. Kept in step by every complete listing of ports; written is what changed.
 */
export const noteTaken = async ({ db }: Context, { cloudId, projectIds, shown, ours }: Shown): Promise<void> => {
  const placed = [...shown].filter((port) => port.placed && !port.ours && !ours.has(port.id))
  const before = await takenOn(db, cloudId)
  if (!placed.length && !before.length) return
  const subnets = await subnetsBound(db, cloudId, projectIds)
  const now = placed.flatMap(({ id, placed: places }) =>
    places!.flatMap(({ subnet, address }) =>
      subnets
        .filter(({ nativeId }) => nativeId === subnet)
        .map(({ subnetId }): TakenAddress => ({ subnetId, address, portId: `${cloudId}/${id}` })),
    ),
  )
  // Other accounts of the cloud list what is on their subnets; a subnet that is gone has no addresses.
  const judged = new Set(subnets.map(({ subnetId }) => subnetId))
  const gone = without(before, now).filter(({ subnetId, there }) => judged.has(subnetId) || !there)
  await changeTaken(db, { gone, come: without(now, before) })
}

const without = <T extends TakenAddress>(some: T[], others: TakenAddress[]): T[] => {
  const nameOf = ({ subnetId, address, portId }: TakenAddress) => `${subnetId}/${address}/${portId}`
  const names = new Set(others.map(nameOf))
  return some.filter((each) => !names.has(nameOf(each)))
}

/** The same at once for subnets that have just been adopted: their project may ask for a port the next moment. */
export const reserveTaken = async (
  context: Context,
  cloudId: string,
  { port: realm }: Cloud,
  projectId: string,
  adopted: { kind: Kind }[],
): Promise<void> => {
  if (!realm || !adopted.some(({ kind }) => kind === 'subnet')) return
  try {
    const { cursor, complete, sightings } = await listOn(realm, context, context.now() + TIME, null)
    if (cursor || !complete) return
    const ids = sightings.map(({ id }) => id)
    const bound = (await boundTo(context.db, cloudId, ids)).filter(({ kind }) => kind === 'port')
    const ours = new Set(bound.map(({ nativeId }) => nativeId!))
    await noteTaken(context, { cloudId, projectIds: [projectId], shown: sightings, ours })
  } catch (error) {
    if (!(error instanceof CloudError)) throw error
    context.log('warn', 'the next sweep finds out which addresses are taken', { cloudId, message: error.message })
  }
}
