import type { Found } from '../../../../db/queries/compute/places.ts'
import type { KeypairSnapshot } from '../../../../db/schema/index.ts'
import { archOf, bootDisk, type Disk } from '../disks/disk.ts'
import { refuse } from '../server-refusal.ts'
import { cloudsWith, refuseSmallDisk, type ServerWish, type Understood } from '../server-wish.ts'
import { growsFor } from './grow.ts'
import { isFree } from './rules.ts'

/** Checks what a new server refers to, in the order in which Nova does. Throws `ServerRefused`. Pure. */
export const understand = (wish: ServerWish, found: Found, projectId: string, disks: Disk[]): Understood => {
  const flavor = found.flavor ?? refuse({ kind: 'unknown', what: 'flavor', id: wish.flavorId })
  if (!isFree(wish, found) && !found.clouds.some(({ named }) => named))
    refuse({ kind: 'unknown', what: 'zone', id: wish.zone! })
  const root = bootDisk(disks)
  const image = root && !wish.imageId ? null : understandImage(wish, found, projectId, root)
  const boots = root?.made?.image ?? image
  if (boots && flavor.ramMib < boots.minRamMib)
    refuse({ kind: 'too-small', what: 'memory', has: flavor.ramMib, needs: boots.minRamMib })
  if (image && !root) refuseSmallDisk(flavor.diskGib, image)
  const keypair = understandKeypair(wish, found)
  if (wish.groupId !== null && !found.group) refuse({ kind: 'unknown', what: 'server-group', id: wish.groupId })
  const nics = understandNics(wish, found, projectId)
  const arch = root ? archOf(root) : (image?.arch ?? 'x86_64')
  return { flavor, image, arch, nics, groupIds: understandGroups(wish, found), keypair, disks }
}

/** The key itself: its name may mean another one by the time it is needed. */
const understandKeypair = ({ keyName }: ServerWish, { keypair }: Found): KeypairSnapshot | null => {
  if (keyName === null) return null
  const { id, publicKey, fingerprint } = keypair ?? refuse({ kind: 'unknown', what: 'keypair', id: keyName })
  return { id, publicKey, fingerprint }
}

const understandImage = (
  wish: ServerWish,
  found: Found,
  projectId: string,
  root: Disk | undefined,
): NonNullable<Found['image']> => {
  const image = found.image ?? refuse({ kind: 'unknown', what: 'image', id: wish.imageId })
  // Of somebody else's images only those on the project's own clouds can be seen at all, those that are with us, and those that are shared.
  const here = image.blob || cloudsWith(found).length > 0 || image.visibility === 'shared' || root
  if (image.projectId !== projectId && !here && found.clouds.length)
    refuse({ kind: 'unknown', what: 'image', id: wish.imageId })
  if (image.status !== 'active') refuse({ kind: 'image-status', id: image.id, status: image.status })
  return image
}

const understandNics = (wish: ServerWish, found: Found, projectId: string): Understood['nics'] => {
  if (typeof wish.nics === 'string') {
    const choice = found.networks.filter((network) => !network.external && hasSubnet(found, network))
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
    if (network.external && !found.mayAttachExternal) refuse({ kind: 'external-network', id: network.id })
    if (!hasSubnet(found, network)) refuse({ kind: 'no-subnet', networkId: network.id })
    return { network, fixedIp: nic.fixedIp, port: null }
  })
}

/** It has one, or gets one where its server goes. */
const hasSubnet = (found: Found, network: Found['networks'][number]): boolean =>
  found.subnets.some((s) => s.networkId === network.id) || growsFor({ network, fixedIp: null, port: null }, found)

const understandPort = (id: string, found: Found): Understood['nics'][number] => {
  const port = found.ports.find((each) => each.id === id) ?? refuse({ kind: 'unknown', what: 'port', id })
  if (port.deviceId !== '') refuse({ kind: 'port-in-use', id, serverId: port.deviceId })
  if (port.fixedIps.length === 0 && port.ipAllocation !== 'deferred') refuse({ kind: 'port-without-address', id })
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
