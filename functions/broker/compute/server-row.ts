import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import { bootDisk } from './disks/disk.ts'
import { flavorSnapshot } from './flavor.ts'
import { leaseOf, leaseTold } from './lease/lease.ts'
import { serverStatus } from './lifecycle.ts'
import type { Choice } from './place/choose.ts'
import { hostnameOf, placesJson } from './server-facts.ts'
import type { Origin, ServerWish, Understood } from './server-wish.ts'
import { sealUserData } from './user-data.ts'

/** A wish, understood, with the places that were chosen for it. */
export type Placed = {
  context: Context
  projectId: string
  wish: ServerWish
  understood: Understood
  origin: Origin
} & Choice

/** The row of a new server, where it was placed first; `number`: its place among several of one request, from 1. */
export const newRow = (
  { context, projectId, wish, understood, origin, places, filters, spilled, reason }: Placed,
  number: number | null,
): ServerRow => {
  // A volume has the size that it has, whatever the flavor says of a disk.
  const [at, ...next] = bootDisk(understood.disks) ? places.map((place) => ({ ...place, diskGib: 0 })) : places
  const now = context.now()
  const id = context.newId()
  const lease = leaseOf(wish.metadata, now)
  const own = wish.making?.own((number ?? 1) - 1) ?? {
    name: number === null ? wish.name : `${wish.name}-${number}`,
    launchIndex: number === null ? 0 : number - 1,
    userData: wish.userData,
  }
  const status = serverStatus({
    phase: at ? 'intent' : 'failed',
    want: 'present',
    health: null,
    power: null,
    launched: false,
    action: null,
    resized: false,
    before: null,
  })
  return {
    id,
    projectId,
    userId: wish.making?.userId ?? context.caller?.userId ?? '',
    name: own.name,
    description: wish.description,
    hostname: wish.hostname ?? hostnameOf(own.name, id),
    tags: wish.tags,
    flavor: flavorSnapshot(understood.flavor),
    oldFlavor: null,
    launchIndex: own.launchIndex,
    imageId: understood.image?.id ?? null,
    keyName: wish.keyName,
    keypair: understood.keypair,
    userData: sealUserData(context, id, own.userData),
    configDrive: wish.configDrive,
    wantPower: 'running',
    pinnedZone: wish.zone,
    locked: false,
    lockedReason: null,
    accessIpv4: wish.accessIpv4,
    accessIpv6: wish.accessIpv6,
    diskConfig: wish.diskConfig,
    ...status,
    fault: at ? null : { code: 500, message: `No valid host was found. ${reason}`, created: now },
    cloudId: at?.cloudId ?? null,
    zone: at?.zone ?? null,
    filters: at ? filters : null,
    spilled,
    places: placesJson({ at: at ?? null, next, ...origin.boots }),
    hostId: '',
    bootedAt: null,
    ...origin.columns,
    ...lease,
    metadata: { ...wish.metadata, ...origin.metadata, ...leaseTold(lease) },
    launchedAt: null,
    terminatedAt: null,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  }
}
