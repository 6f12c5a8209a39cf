import { partsToFork } from '../../../db/queries/compute/forks.ts'
import type { FlavorRow, Found } from '../../../db/queries/compute/places.ts'
import { type ServerRow, serverById, serverMoved, updateServer } from '../../../db/queries/compute/servers.ts'
import type { ImageRow } from '../../../db/queries/image/images.ts'
import { refuseChange } from '../../../db/queries/line/adopt.ts'
import type { Context } from '../../context.ts'
import { connectCloud } from '../clouds/clouds.ts'
import { FORK_OF, imageOfServer, saveServer } from '../image/image.ts'
import { guard, type Write } from '../line/commit.ts'
import { lineage } from './lineage.ts'
import { requireState } from './server-action.ts'
import { type Places, placesOf, statusWith } from './server-facts.ts'
import { refuse } from './server-refusal.ts'
import type { ServerWish } from './server-wish.ts'

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

/**
 * The server to be forked, and the wish with what it leaves open filled in from there; null: nothing is forked. Throws
 * `ServerRefused` for a server that is not the project's, does not run, or cannot be forked as it is asked.
 */
export const readFork = async (
  context: Context,
  projectId: string,
  wish: ServerWish,
): Promise<{ fork: Fork; wish: ServerWish } | null> => {
  const { of = null, ttlSeconds = null } = wish.fork ?? {}
  if (of === null) return null
  // Whoever may see more than one project's servers forks those of the project all the same: a fork has secrets in it.
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
  const { networkIds, volumeIds } = await partsToFork(context.db, of)
  const nics = typeof wish.nics === 'string' ? networkIds.map((networkId) => ({ networkId, fixedIp: null })) : wish.nics
  if (mode === 'instant' && nics.length !== networkIds.length)
    unlike(
      `Instance ${of} has ${networkIds.length} network cards, and so have the forks that share its memory: name as many networks, or none.`,
    )
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

/** The server that an image stands for; undefined: it is an image like others. */
export const forkedBy = (image: Pick<ImageRow, 'properties'> | null): string | undefined => image?.properties[FORK_OF]

/** The same wish, said without the image that stands for the parent. */
export const forkingOf = (wish: ServerWish, of: string): ServerWish => ({
  ...wish,
  imageId: '',
  fork: { ttlSeconds: wish.fork?.ttlSeconds ?? null, of },
})

/** What a new server refers to, narrowed to where its parent is and to what it is made of. Throws `ServerRefused`. */
export const onParentsGround = (
  context: Context,
  fork: Fork,
  wish: ServerWish,
  found: Found,
): { fork: Fork; found: Found } => {
  const { parent, mode } = fork
  const { cloudId, zone } = parent
  const { at } = placesOf(parent)
  const here = found.places.find(({ id }) => id === cloudId)
  if (!at || zone === null || !here)
    return refuse({ kind: 'no-place', reason: 'The cloud of the parent is not there.' })
  const named = found.places.find((each) => each.named)
  if (named && !(named.id === cloudId && (wish.zone === here.name || named.zone === zone)))
    unlike(`Instance ${parent.id} is in ${here.name}.${zone}, and so are its forks.`)
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
  const { native, vcpus, ramMib, diskGib } = at
  const same = { cloudId, cloudName: here.name, zone, native, vcpus, ramMib, diskGib, arch: disk.arch }
  const flavor = found.flavor ?? (wish.flavorId === parent.flavor.id ? flavorOf(parent, native) : null)
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
  price: null,
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

/** Columns of a fork's row that a server has which is none. */
export const forkColumns = (fork: Fork | null, metadata: Record<string, string>) => {
  if (!fork) return { parentId: null, forkMode: null, expiresAt: null, metadata }
  const { parent, mode, expiresAt } = fork
  const columns = { parentId: parent.id, forkMode: mode, expiresAt }
  return { ...columns, imageId: parent.imageId, metadata: { ...metadata, ...lineage(columns) } }
}

export const imageToBoot = (fork: Fork | null): Pick<Places, 'image'> => (fork?.disk ? { image: fork.disk.id } : {})

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
