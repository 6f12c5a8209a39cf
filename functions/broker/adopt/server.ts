import type { NativeId, ServerSeen, ServerSpec, Size } from '../../../adapters/contract.ts'
import { type KeypairRow, keypairById } from '../../../db/queries/compute/keypairs.ts'
import { insertServerAction } from '../../../db/queries/compute/server-actions.ts'
import { joinAgain } from '../../../db/queries/compute/server-groups.ts'
import { insertServer } from '../../../db/queries/compute/servers.ts'
import { clearTombstone, offerNamed, plugPort } from '../../../db/queries/line/adopt.ts'
import { hourlyOf } from '../../../db/queries/money/prices.ts'
import type { FlavorSnapshot } from '../../../db/schema/index.ts'
import { policyFor, stillSaid } from '../clouds/policy.ts'
import { serverStatus } from '../compute/lifecycle.ts'
import { isSpilled } from '../compute/place/marks.ts'
import { hostIdOf, hostnameOf, type Place, placesJson } from '../compute/server-facts.ts'
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
  // What was ours already is paid for from when it was asked for, as its mark says.
  const since = plan.options.byMark && seen.mark ? Math.min(now, seen.mark.epoch * 60_000) : now
  if (seen.health === 'failed') throw new NotAdoptable(`Server ${item.nativeId} has failed.`)
  if (seen.power === 'changing') throw new NotAdoptable(`Server ${item.nativeId} is not at rest; ask again later.`)
  const boot = spec.boot?.volume ?? null
  const imageId = spec.image ? await imageFor(plan, spec.image) : null
  if (imageId === null && boot === null) item.remarks.push('The cloud does not have its image any more.')
  const flavor = await flavorOf(plan, spec.size)
  const zone = seen.zone ?? spec.zone
  const { vcpus, ramMib, diskGib } = flavor
  const bought = { cloudId: row.id, zone, native: spec.size.native, option: spec.option ?? ('on-demand' as const) }
  const at: Place = { ...bought, vcpus, ramMib, diskGib, ...(await hourlyOf(context.db, bought)) }
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
  const { policy, said } = await policyFor(context, item.projectId)
  await plan.admit(item, { instances: 1, cores: vcpus, ram: ramMib }, () => [
    stillSaid(context, item.projectId, said),
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
      spilled: isSpilled(policy, row.name),
      places: placesJson({ at, next: [] }),
      hostId: hostIdOf(seen.host, item.projectId),
      launchedAt: since,
      createdAt: since,
      updatedAt: now,
    }),
    insertServerAction(context.db, { ...who, requestId: context.requestId, action: 'adopt', state: 'done', now }),
  ])
  if (plan.options.byMark && spec.group) plan.write(joinAgain(context.db, item.resourceId, spec.group, now))
  await takeParts(plan, item, seen, read.owns, boot)
}

/** Ports with their public addresses and volumes of a server, new to us or not. Its root disk is part of it unless it is a volume. */
export const takeParts = async (
  plan: Plan,
  server: Item,
  seen: ServerSeen,
  owns: string[],
  boot: NativeId | null,
): Promise<void> => {
  const { db } = plan.context
  for (const [position, { id }] of seen.ports.entries()) {
    const port = await plan.take('port', id)
    const owned = owns.includes(id)
    if (port.fresh) plan.write(plugPort(db, { serverId: server.resourceId, portId: port.resourceId, position, owned }))
    await takeAddresses(plan, server, id)
  }
  for (const { id, device, root } of seen.volumes) {
    const boots = root && id === boot
    if (root && !boots) continue
    const volume = await plan.take('volume', id)
    await takeAttachment(plan, server, volume, { device, boots, deleteOnTermination: owns.includes(id) })
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
