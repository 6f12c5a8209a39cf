import type { ServerSeen, ServerSpec, Size } from '../../../adapters/contract.ts'
import { type KeypairRow, keypairById } from '../../../db/queries/compute/keypairs.ts'
import { insertServerAction } from '../../../db/queries/compute/server-actions.ts'
import { insertServer } from '../../../db/queries/compute/servers.ts'
import { clearTombstone, offerNamed, plugPort } from '../../../db/queries/line/adopt.ts'
import type { FlavorSnapshot } from '../../../db/schema/index.ts'
import { serverStatus } from '../compute/lifecycle.ts'
import { hostIdOf, hostnameOf, placesJson } from '../compute/server-facts.ts'
import { uuid5 } from '../line/uuid.ts'
import { takeAddresses } from './floating-ip.ts'
import { imageFor } from './image.ts'
import { type Adopter, type Item, NotAdoptable, type Plan } from './plan.ts'
import { takeAttachment } from './volume.ts'

/** A machine that runs already, with its ports, its volumes and what they stand on. */
export const takeServer: Adopter = async (plan, item, sighting, read) => {
  const seen = sighting as ServerSeen
  const spec = read.spec as ServerSpec
  const { context, row } = plan
  const now = context.now()
  if (seen.health === 'failed') throw new NotAdoptable(`Server ${item.nativeId} has failed.`)
  if (seen.power === 'changing') throw new NotAdoptable(`Server ${item.nativeId} is not at rest; ask again later.`)
  const imageId = await imageFor(plan, spec.image)
  if (imageId === null) item.remarks.push('The cloud does not have its image any more.')
  const flavor = await flavorOf(plan, spec.size)
  const zone = seen.zone ?? spec.zone
  const { vcpus, ramMib, diskGib } = flavor
  const at = { cloudId: row.id, zone, native: spec.size.native, vcpus, ramMib, diskGib }
  const status = serverStatus({
    phase: 'bound',
    want: 'present',
    health: seen.health,
    power: seen.power,
    launched: true,
    action: null,
    resized: false,
    before: null,
  })
  const key = await keyOf(plan, spec)
  const userId = key?.userId ?? context.caller?.userId ?? ''
  const who = { serverId: item.resourceId, projectId: item.projectId, userId }
  const filters = await plan.filters()
  await plan.admit(item, { instances: 1, cores: vcpus, ram: ramMib }, () => [
    clearTombstone(context.db, 'server', item.resourceId),
    insertServer(context.db, {
      id: item.resourceId,
      projectId: item.projectId,
      userId,
      name: spec.name,
      keyName: key?.name ?? null,
      keypair: key && { id: key.id, publicKey: key.publicKey, fingerprint: key.fingerprint },
      hostname: hostnameOf(spec.name, item.resourceId),
      metadata: spec.metadata,
      flavor,
      imageId,
      configDrive: spec.configDrive,
      wantPower: seen.power === 'stopped' ? 'stopped' : 'running',
      ...status,
      cloudId: row.id,
      zone,
      filters,
      places: placesJson({ at, next: [] }),
      hostId: hostIdOf(seen.host, item.projectId),
      launchedAt: now,
      createdAt: now,
      updatedAt: now,
    }),
    insertServerAction(context.db, { ...who, requestId: context.requestId, action: 'adopt', state: 'done', now }),
  ])
  await takeParts(plan, item, seen, read.owns)
}

/** Ports with their public addresses and volumes of a server, new to us or not. Its root disk is part of it. */
export const takeParts = async (plan: Plan, server: Item, seen: ServerSeen, owns: string[]): Promise<void> => {
  const { db } = plan.context
  for (const [position, { id }] of seen.ports.entries()) {
    const port = await plan.take('port', id)
    const owned = owns.includes(id)
    if (port.fresh) plan.write(plugPort(db, { serverId: server.resourceId, portId: port.resourceId, position, owned }))
    await takeAddresses(plan, server, id)
  }
  for (const { id, device, root } of seen.volumes) {
    if (root) continue
    const volume = await plan.take('volume', id)
    await takeAttachment(plan, server, volume, device, owns.includes(id))
  }
}

/** The key of a server of ours, and with it who made the server. What others booted it with is no key of ours. */
const keyOf = async (plan: Plan, { keypair }: ServerSpec): Promise<KeypairRow | null> => {
  if (!keypair || !plan.options.byMark) return null
  const bound = await plan.boundObject('keypair', keypair)
  return bound && keypairById(plan.context.db, bound.resourceId)
}

/** The flavor of the size's own name; a size that is on sale no more is told by the row alone. */
const flavorOf = async (plan: Plan, size: Size): Promise<FlavorSnapshot> => {
  const offer = await offerNamed(plan.context.db, plan.row.id, size.native)
  return {
    id: offer?.flavorId ?? uuid5(`flavor/${size.native}`),
    name: size.native,
    vcpus: offer?.vcpus ?? size.vcpus,
    ramMib: offer?.ramMib ?? size.ramMiB,
    diskGib: offer?.diskGib ?? size.diskGiB,
    ephemeralGib: 0,
    swapMib: 0,
    extraSpecs: offer?.extraSpecs ? JSON.parse(offer.extraSpecs) : {},
  }
}
