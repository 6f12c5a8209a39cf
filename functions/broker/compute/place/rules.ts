import type { Adapter, Capability } from '../../../../adapters/contract.ts'
import type { Found, NetworkRow } from '../../../../db/queries/compute/places.ts'
import { namesGroups, type ServerWish, type Understood } from '../server-wish.ts'
import { whyBeyond } from './limits.ts'

/* What keeps a server off a cloud. A rule says why, in a sentence; the first that does refuses the cloud. */

export type Mapped = Found['clouds'][number]

/** What rules look at. */
export interface Ground {
  wish: ServerWish
  understood: Understood
  found: Found
  /** By the type of a cloud. */
  adapters: ReadonlyMap<string, Adapter | null>
}

export interface CloudRule {
  name: string
  /** The cloud is not capable of it: where only such clouds are left, the wish is refused and no server is made. */
  incapable?: true
  /** Null: the rule has nothing against the cloud. */
  why(ground: Ground, cloud: Mapped): string | null
}

const named: CloudRule = {
  name: 'named',
  why: ({ wish: { zone } }, cloud) => (zone === null || cloud.named ? null : `${zone} was named.`),
}

const readOnly: CloudRule = {
  name: 'read-only',
  why: (_, cloud) =>
    cloud.readOnly && !cloud.named ? `Cloud ${cloud.name} is connected read-only: nothing there is changed.` : null,
}

const capability: CloudRule = {
  name: 'capability',
  incapable: true,
  why: (ground, { type }) => {
    const lacks = ground.adapters.get(type)?.lacks ?? {}
    return neededOf(ground).flatMap((needed) => lacks[needed] ?? [])[0] ?? null
  },
}

/** What a cloud must be capable of to have it. */
const neededOf = ({ wish, understood: { nics }, found }: Ground): Capability[] => {
  const filtered = ({ network, port }: Understood['nics'][number]) =>
    port?.portSecurity ?? (namesGroups(wish) && mayFilter(network))
  return [
    ...(wish.configDrive ? (['server.config_drive'] as const) : []),
    ...(nics.some(filtered) ? (['security_group'] as const) : []),
    ...(nics.some(({ network }) => found.routed.includes(network.id)) ? (['router'] as const) : []),
  ]
}

/** A network that is on no cloud yet knows best; on one it may be the cloud that keeps it from filtering. */
const mayFilter = ({ portSecurity, cloudId }: NetworkRow): boolean => portSecurity || cloudId !== null

const limit: CloudRule = {
  name: 'limit',
  incapable: true,
  why: ({ wish, understood, found, adapters }, { type, name }) => {
    const adapter = adapters.get(type)
    const beyond = adapter ? whyBeyond(adapter, wish, understood, found) : null
    return beyond === null ? null : `Cloud ${name} ${beyond}.`
  },
}

const image: CloudRule = {
  name: 'image',
  why: ({ understood, found }, cloud) =>
    found.imageClouds.includes(cloud.id) ? null : `Image ${understood.image.id} is not there.`,
}

const network: CloudRule = {
  name: 'network',
  why: ({ understood, found }, cloud) => {
    const elsewhere = understood.nics.find(({ network: { cloudId } }) => cloudId !== null && cloudId !== cloud.id)
    return elsewhere
      ? `Network ${elsewhere.network.id} is on ${nameOf(found, elsewhere.network.cloudId!)}, and lives on one cloud.`
      : null
  },
}

const volume: CloudRule = {
  name: 'volume',
  why: ({ found }, cloud) => {
    const elsewhere = found.volumes.find(({ cloudId }) => cloudId !== cloud.id)
    return elsewhere ? `Volume ${elsewhere.id} is on ${elsewhere.cloud}, and its server has to be there.` : null
  },
}

/** In the order in which they are asked. */
export const CLOUD_RULES: readonly CloudRule[] = [named, readOnly, capability, limit, image, network, volume]

/** The name of a cloud of the project; its id where the project is not mapped to it. */
export const nameOf = (found: Found, cloudId: string): string =>
  found.clouds.find(({ id }) => id === cloudId)?.name ?? cloudId
