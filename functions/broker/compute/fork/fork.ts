import type { FlavorRow } from '../../../../db/queries/compute/flavors.ts'
import { partsToFork } from '../../../../db/queries/compute/forks.ts'
import type { Found } from '../../../../db/queries/compute/places.ts'
import { type ServerRow, serverById, serverMoved, updateServer } from '../../../../db/queries/compute/servers.ts'
import type { ImageRow } from '../../../../db/queries/image/images.ts'
import { refuseChange } from '../../../../db/queries/line/adopt.ts'
import type { Context } from '../../../context.ts'
import { connectCloud } from '../../clouds/clouds.ts'
import { FORK_OF, imageOfServer, saveServer } from '../../image/image.ts'
import { guard, type Write } from '../../line/commit.ts'
import { requireState } from '../server-action.ts'
import { placesOf, statusWith } from '../server-facts.ts'
import { refuse } from '../server-refusal.ts'
import type { Origin, ServerWish } from '../server-wish.ts'
import { lineage } from './lineage.ts'

/**
 * A server that goes on from one which runs: from its memory where the cloud can (`instant`), else from an image of its
 * disk that is made for the purpose (`snapshot`). It is where its parent is, and the parent stays while it has forks.
 */
export interface Fork {
  parent: ServerRow & { cloudId: string }
  mode: 'instant' | 'snapshot'
  expiresAt: number | null
  /** The image that is made of the parent for it to boot from; null: it needs none. */
  disk: ImageRow | null
}

const unlike = (reason: string): never => refuse({ kind: 'unlike-parent', reason })

/** A wish said without a fork, what it refers to, and where the servers come from. */
export interface Resolved {
  wish: ServerWish
  found: Found
  origin: Origin
}

/** The server that a wish forks: named itself, or by an image that stands for it; undefined: it is a wish like others. */
export const parentIn = ({ fork }: ServerWish, image: Pick<ImageRow, 'properties'> | null): string | undefined =>
  fork?.of ?? image?.properties[FORK_OF]

/**
 * Says the wish for a fork of `parentId` as one for a plain server: what it leaves open is as with its parent, it is where
 * its parent is, and its image is the parent's disk. `lookUp` reads what a wish refers to. Throws `ServerRefused` for a
 * server that is not the project's, does not run, or cannot be forked as it is asked.
 */
export const resolveFork = async (
  context: Context,
  projectId: string,
  asked: ServerWish,
  parentId: string,
  lookUp: (wish: ServerWish) => Promise<Found>,
): Promise<Resolved> => {
  // The image that stands for the parent is not what a fork is made of.
  const plain = asked.fork?.of ? asked : { ...asked, imageId: '' }
  const { fork, wish } = await readParent(context, projectId, plain, parentId)
  const { fork: ready, found } = narrow(context, fork, wish, await lookUp(wish))
  return { wish, found, origin: originOf(context, ready) }
}

/** The server to be forked, and the wish with what it leaves open filled in from there. */
const readParent = async (
  context: Context,
  projectId: string,
  wish: ServerWish,
  of: string,
): Promise<{ fork: Fork; wish: ServerWish }> => {
  const ttlSeconds = wish.fork?.ttlSeconds ?? null
  // A caller who sees more than one project's servers forks those of this one alone: a fork has secrets in it.
  const parent =
    (await serverById(context.db, { projectId }, of)) ?? refuse({ kind: 'unknown', what: 'server', id: of })
  // A request that was served before did what it asked for; the parent may be elsewhere by now.
  if (!context.once?.replay) requireState(context, parent, 'fork')
  const { cloudId } = parent
  if (cloudId === null) return refuse({ kind: 'incapable', reason: 'The server is on no cloud.' })
  if (wish.imageId && wish.imageId !== parent.imageId)
    unlike(`Image ${wish.imageId} is not the one that instance ${of} was made of, and a fork has no other.`)
  const { cloud } = await connectCloud(context, cloudId, projectId, { throughBreaker: true })
  const mode = cloud.server.forks ? 'instant' : 'snapshot'
  const { networkIds, volumeIds, root } = await partsToFork(context.db, of)
  if (root)
    refuse({
      kind: 'incapable',
      reason: `Instance ${of} boots from volume ${root}: make a snapshot of that, and a server that boots from it.`,
    })
  const nics = typeof wish.nics === 'string' ? networkIds.map((networkId) => ({ networkId, fixedIp: null })) : wish.nics
  if (mode === 'instant' && nics.length !== networkIds.length)
    unlike(
      `Instance ${of} has ${networkIds.length} network cards, and so have the forks that share its memory: name as many networks, or none.`,
    )
  if (mode === 'instant' && wish.groupId !== null)
    unlike(`A fork of instance ${of} shares its memory and its host, whatever a server group says: name none.`)
  if (mode === 'instant' && wish.configDrive)
    unlike(`A fork of instance ${of} shares its memory, and starts too late to read a config drive: ask for none.`)
  if (mode === 'instant' && volumeIds.length)
    refuse({
      kind: 'incapable',
      reason: `Instance ${of} has volumes in it, which a fork that shares its memory would miss: ${volumeIds.join(', ')}`,
    })
  const expiresAt = ttlSeconds === null ? null : context.now() + ttlSeconds * 1000
  return {
    fork: { parent: { ...parent, cloudId }, mode, expiresAt, disk: null },
    wish: { ...wish, imageId: parent.imageId ?? '', nics },
  }
}

/** What a new server refers to, narrowed to where its parent is and to what it is made of. */
const narrow = (context: Context, fork: Fork, wish: ServerWish, found: Found): { fork: Fork; found: Found } => {
  const { parent, mode } = fork
  const { cloudId, zone } = parent
  const { at } = placesOf(parent)
  const here = found.clouds.find(({ id }) => id === cloudId)
  if (!at || zone === null || !here)
    return refuse({ kind: 'no-place', reason: 'The cloud of the parent is not there.' })
  const named = found.clouds.some((each) => each.named)
  const meant = here.named && (here.zones === null || (JSON.parse(here.zones) as string[]).includes(zone))
  if (named && !meant) unlike(`Instance ${parent.id} is in ${here.name}.${zone}, and so are its forks.`)
  const size = found.candidates.find((each) => each.cloudId === cloudId && each.native === at.native)
  const source = found.image ?? null
  const disk = {
    ...imageOfServer(context, parent, source, `Fork of ${parent.name}`.slice(0, 255), {}),
    arch: source?.arch ?? size?.arch ?? 'x86_64',
    hidden: true,
  }
  const ready = { ...found, image: { ...disk, status: 'active' as const }, imageClouds: [cloudId] }
  const inZone = found.candidates.filter((each) => each.cloudId === cloudId && each.zone === zone)
  if (mode === 'snapshot') return { fork: { ...fork, disk }, found: { ...ready, candidates: inZone } }
  if (found.flavor && found.flavor.id !== parent.flavor.id)
    unlike(`Instance ${parent.id} has flavor ${parent.flavor.id}, and so have the forks that share its memory.`)
  // It has the parent's size whether or not that is still on sale.
  const same = { ...at, cloudId, cloudName: here.name, zone, arch: disk.arch, idle: at.idle ?? null }
  const flavor = found.flavor ?? (wish.flavorId === parent.flavor.id ? flavorOf(parent, at.native) : null)
  return { fork, found: { ...ready, flavor, candidates: [{ ...same, ...UNWEIGHED }] } }
}

/** There is one place to go to, however full it is. */
const UNWEIGHED = {
  position: 0,
  available: true,
  load: null,
  freeVcpus: null,
  freeRamMib: null,
  gpus: 0,
  priceSource: null,
  priceAsOf: null,
  refused: null,
}

const flavorOf = ({ flavor, createdAt }: ServerRow, native: string): FlavorRow => ({
  ...flavor,
  isPublic: false,
  description: null,
  rxtxFactor: 1,
  native: flavor.name === native,
  retired: true,
  createdAt,
})

const originOf = (context: Context, fork: Fork): Origin => {
  const { parent, mode, expiresAt, disk } = fork
  const columns = { parentId: parent.id, forkMode: mode, expiresAt }
  return {
    columns: { ...columns, imageId: parent.imageId },
    metadata: lineage(columns),
    boots: disk ? { image: disk.id } : {},
    tied: true,
    writes: (forks) => joinParent(context, fork, forks),
  }
}

/**
 * For the batch that admits forks: it holds only while the parent is as it was seen (`parent-moved`) and ours to copy. So
 * of a fork and a deletion of its parent at the same time one is refused.
 */
export const joinParent = (context: Context, { parent, disk }: Fork, forks: Pick<ServerRow, 'id'>[]): Write[] => {
  const { db } = context
  const copying = statusWith(parent, { action: 'createImage' })
  return [
    guard(context, 'parent-moved', serverMoved(parent.id, parent)),
    refuseChange([parent.id]),
    ...(disk
      ? [
          ...saveServer(context, parent, { ...disk, forkId: forks[0]!.id }),
          updateServer(db, parent.id, { ...copying, updatedAt: context.now() }),
        ]
      : []),
  ]
}
