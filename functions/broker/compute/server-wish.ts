import type { Capability } from '../../../adapters/contract.ts'
import type { Found, NetworkRow, PortRow } from '../../../db/queries/compute/places.ts'
import type { ImageRow } from '../../../db/queries/image/images.ts'
import type { KeypairSnapshot } from '../../../db/schema/index.ts'
import { leastDiskGib } from '../image/image-place.ts'
import type { Candidate, Place } from './place.ts'
import { place } from './place.ts'
import { snapshotOf } from './server-action.ts'
import { refuse } from './server-refusal.ts'

/** A server to go on from, if not the image says which, and how long the new one lives. */
interface ForkWish {
  of: string | null
  ttlSeconds: number | null
}

/** One network interface that a user wants a server to have. */
export type Nic = { portId: string } | { networkId: string; fixedIp: string | null }

export interface ServerWish {
  name: string
  description: string | null
  /** Null: made of the name. */
  hostname: string | null
  flavorId: string
  imageId: string
  /** `auto`: the one network there is; `any`: the same, but none will do as well. */
  nics: Nic[] | 'auto' | 'any'
  keyName: string | null
  /** Names or ids; null: the project's default group. */
  securityGroups: string[] | null
  metadata: Record<string, string>
  tags: string[]
  userData: string | null
  configDrive: boolean
  /** `<cloud>` or `<cloud>.<zone>`; null: anywhere. */
  zone: string | null
  accessIpv4: string
  accessIpv6: string
  diskConfig: 'AUTO' | 'MANUAL'
  minCount: number
  maxCount: number
  /** Volumes that are there already, put into the server once it runs. */
  volumes: { id: string; device: string | null; tag: string | null; deleteOnTermination: boolean }[]
  fork: ForkWish | null
}

/** What every named thing turned out to be. */
export interface Understood {
  flavor: NonNullable<Found['flavor']>
  image: NonNullable<Found['image']>
  nics: { network: NetworkRow; fixedIp: string | null; port: PortRow | null }[]
  groupIds: string[] | null
  keypair: KeypairSnapshot | null
}

/** Checks what a new server refers to, in the order in which Nova does. Throws `ServerRefused`. Pure. */
export const understand = (wish: ServerWish, found: Found, projectId: string): Understood => {
  const flavor = found.flavor ?? refuse({ kind: 'unknown', what: 'flavor', id: wish.flavorId })
  if (wish.zone !== null && !found.places.some(({ named }) => named))
    refuse({ kind: 'unknown', what: 'zone', id: wish.zone })
  const image = understandImage(wish, found, projectId)
  if (flavor.ramMib < image.minRamMib)
    refuse({ kind: 'too-small', what: 'memory', has: flavor.ramMib, needs: image.minRamMib })
  refuseSmallDisk(flavor.diskGib, image)
  const keypair = understandKeypair(wish, found)
  const nics = understandNics(wish, found, projectId)
  return { flavor, image, nics, groupIds: understandGroups(wish, found), keypair }
}

/** The key itself: its name may mean another one by the time it is needed. */
const understandKeypair = ({ keyName }: ServerWish, { keypair }: Found): KeypairSnapshot | null => {
  if (keyName === null) return null
  const { id, publicKey, fingerprint } = keypair ?? refuse({ kind: 'unknown', what: 'keypair', id: keyName })
  return { id, publicKey, fingerprint }
}

/** Throws `ServerRefused` (`too-small`) for an image that the disk of a flavor cannot hold; 0: as large as the image. */
export const refuseSmallDisk = (diskGib: number, image: Pick<ImageRow, 'minDiskGib' | 'virtualSizeBytes'>): void => {
  const needs = leastDiskGib(image)
  if (diskGib > 0 && diskGib < needs)
    refuse({ kind: 'too-small', what: needs > image.minDiskGib ? 'image' : 'min-disk', has: diskGib, needs })
}

const understandImage = (wish: ServerWish, found: Found, projectId: string): NonNullable<Found['image']> => {
  const image = found.image ?? refuse({ kind: 'unknown', what: 'image', id: wish.imageId })
  // Of somebody else's images only those on the project's own clouds can be seen at all, and those that are with us.
  if (image.projectId !== projectId && !image.blob && !cloudsWith(found).length && found.places.length)
    refuse({ kind: 'unknown', what: 'image', id: wish.imageId })
  if (image.status !== 'active') refuse({ kind: 'image-status', id: image.id, status: image.status })
  return image
}

/** The project's clouds that have the image, or will if they are asked. */
const cloudsWith = (found: Found): string[] =>
  found.imageClouds.filter((id) => found.places.some((each) => each.id === id))

const understandNics = (wish: ServerWish, found: Found, projectId: string): Understood['nics'] => {
  if (typeof wish.nics === 'string') {
    const choice = found.networks.filter((network) => !network.external && hasSubnet(found, network.id))
    const network = choice[0]
    if (choice.length > 1) refuse({ kind: 'many-networks' })
    if (!network) return wish.nics === 'any' ? [] : refuse({ kind: 'no-network', projectId })
    return [{ network, fixedIp: null, port: null }]
  }
  const several = wish.maxCount > 1
  return wish.nics.map((nic) => {
    if ('portId' in nic) {
      if (several) refuse({ kind: 'only-one', what: 'port', id: nic.portId })
      return understandPort(nic.portId, found)
    }
    if (several && nic.fixedIp !== null) refuse({ kind: 'only-one', what: 'fixed-ip' })
    const network =
      found.networks.find(({ id }) => id === nic.networkId) ??
      refuse({ kind: 'unknown', what: 'network', id: nic.networkId })
    if (network.external) refuse({ kind: 'external-network', id: network.id })
    if (!hasSubnet(found, network.id)) refuse({ kind: 'no-subnet', networkId: network.id })
    return { network, fixedIp: nic.fixedIp, port: null }
  })
}

const hasSubnet = (found: Found, networkId: string): boolean => found.subnets.some((s) => s.networkId === networkId)

const understandPort = (id: string, found: Found): Understood['nics'][number] => {
  const port = found.ports.find((each) => each.id === id) ?? refuse({ kind: 'unknown', what: 'port', id })
  if (port.deviceId !== '') refuse({ kind: 'port-in-use', id, serverId: port.deviceId })
  if (port.fixedIps.length === 0) refuse({ kind: 'port-without-address', id })
  const network = found.networks.find((each) => each.id === port.networkId)
  return { network: network ?? refuse({ kind: 'unknown', what: 'network', id: port.networkId }), fixedIp: null, port }
}

const understandGroups = ({ securityGroups }: ServerWish, found: Found): string[] | null => {
  if (securityGroups === null) return null
  const ids = [...new Set(securityGroups)].flatMap((name) => {
    const exact = found.securityGroups.find(({ id }) => id === name)
    if (exact) return [exact.id]
    const named = found.securityGroups.filter((group) => group.name === name)
    if (named.length > 1) refuse({ kind: 'many-groups', name })
    // The default group is made when it is first looked for.
    if (!named.length && name === 'default') return []
    return [named[0]?.id ?? refuse({ kind: 'unknown', what: 'security-group', id: name })]
  })
  return ids.length ? [...new Set(ids)] : null
}

/** The default group alone is what Nova adds by itself: nobody asked for it. */
const namesGroups = ({ securityGroups }: ServerWish): boolean =>
  securityGroups?.some((name) => name !== 'default') ?? false

/** What a cloud must be capable of to have it. */
export const neededOf = (wish: ServerWish, { nics }: Understood, found: Found): Capability[] => {
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

/** Groups are for ports with port security. */
export const refuseUnsecured = (wish: ServerWish, { nics }: Understood): void => {
  if (namesGroups(wish) && nics.some(({ network, port }) => !port && !network.portSecurity))
    refuse({ kind: 'no-port-security' })
}

/**
 * Where it may go: every cloud and zone to which its image, networks and volumes tie it. Empty: nowhere. Clouds that
 * filter no traffic come last, unless its networks want none filtered.
 */
export const findPlaces = (
  wish: ServerWish,
  { flavor, image, nics }: Understood,
  found: Found,
  lacking: (cloud: Found['places'][number]) => boolean,
  unfiltered: (cloudType: string) => boolean,
): { places: Place[]; reason: string } => {
  if (!found.places.length) return { places: [], reason: 'The project has no access to any cloud.' }
  const candidates: Candidate[] = found.candidates
  const networks = nics.map(({ network }) => network)
  const pinned = unique(networks.flatMap(({ cloudId }) => cloudId ?? []))
  const held = unique(found.volumes.map(({ cloudId }) => cloudId))
  const able = found.places.filter((cloud) => !lacking(cloud)).map(({ id }) => id)
  const clouds = cloudsWith(found).filter(
    (id) => able.includes(id) && [...pinned, ...held].every((other) => other === id),
  )
  if (!clouds.length)
    return { places: [], reason: 'No cloud of the project has its image, networks and volumes together.' }
  const ids = networks.map(({ id }) => id)
  const zones = unique([
    ...found.subnets.filter((s) => ids.includes(s.networkId)).flatMap(({ zone }) => zone ?? []),
    ...found.volumes.map(({ zone }) => zone),
  ])
  if (zones.length > 1)
    return { places: [], reason: `Its networks and volumes are in different zones: ${zones.join(', ')}.` }
  const tied = Object.fromEntries(zones.flatMap((zone) => clouds.map((id) => [id, zone] as const)))
  const zone = wish.zone === null ? null : zoneNamed(wish.zone, found)
  const places = place(
    {
      flavor: { ...snapshotOf(flavor), native: flavor.native },
      arch: image.arch,
      zone,
      clouds,
      tied,
      home: found.home,
    },
    candidates,
  )
  const open = nics.some(({ network, port }) => port?.portSecurity ?? network.portSecurity)
    ? found.places.filter(({ type }) => unfiltered(type)).map(({ id }) => id)
    : []
  const sorted = [
    ...places.filter(({ cloudId }) => !open.includes(cloudId)),
    ...places.filter(({ cloudId }) => open.includes(cloudId)),
  ]
  return { places: sorted, reason: 'There are not enough hosts available.' }
}

const zoneNamed = (name: string, found: Found) => {
  const { name: cloud, zone } = found.places.find(({ named }) => named)!
  return { cloud, zone: name === cloud ? null : zone }
}

const unique = <T>(values: T[]): T[] => [...new Set(values)]
