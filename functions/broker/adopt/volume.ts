import type { AttachmentSeen, AttachmentSpec, Json, Realm, VolumeSeen, VolumeSpec } from '../../../adapters/contract.ts'
import { insertVolume, moveVolumes } from '../../../db/queries/block-storage/volumes.ts'
import { clearTombstone, insertAttached } from '../../../db/queries/line/adopt.ts'
import { knownType } from '../block-storage/volume-types.ts'
import { epochOf } from '../line/epoch.ts'
import { type Adopter, adoptedId, type Item, NotAdoptable, type Plan } from './plan.ts'

/** A disk. One that is in a server comes with that server, or after it. */
export const takeVolume: Adopter = async (plan, item, sighting, read) => {
  const seen = sighting as VolumeSeen
  const { name, zone } = read.spec as VolumeSpec
  const { context } = plan
  const now = context.now()
  const volumeType = await knownType(context, plan.row.id, seen.type)
  if (seen.server !== null && !plan.takes('server', seen.server)) {
    const { bound } = await plan.identify('server', seen.server)
    if (!bound) throw new NotAdoptable(`The volume is in server ${seen.server}: adopt that, and it comes with it.`)
    const server = await plan.take('server', seen.server, false)
    const machine = await plan.cloud.server.get(seen.server)
    const boots = machine?.volumes.some(({ id, root }) => root && id === item.nativeId) ?? false
    plan.also(() => takeAttachment(plan, server, item, { device: seen.device, boots, deleteOnTermination: false }))
  }
  await plan.admit(item, { volumes: 1, gigabytes: seen.sizeGiB }, () => [
    clearTombstone(context.db, 'volume', item.resourceId),
    insertVolume(context.db, {
      id: item.resourceId,
      projectId: item.projectId,
      userId: context.caller?.userId ?? '',
      name,
      sizeGib: seen.sizeGiB,
      volumeType,
      cloudId: plan.row.id,
      zone: seen.zone ?? zone,
      status: seen.server === null ? 'available' : 'in-use',
      createdAt: now,
      updatedAt: now,
    }),
  ])
}

/** An attachment by its own mark: both its ends are here by then. */
export const takeAttached: Adopter = async (plan, item, _, read) => {
  const spec = read.spec as AttachmentSpec
  const [server, volume] = [await plan.identify('server', spec.server), await plan.identify('volume', spec.volume)]
  if (!server.bound || !volume.bound) throw new NotAdoptable('Its server or its volume is not managed here.')
  plan.write(
    insertAttached(plan.context.db, {
      id: item.resourceId,
      projectId: item.projectId,
      serverId: server.resourceId,
      volumeId: volume.resourceId,
      device: spec.device,
      ...(spec.boot ? { bootIndex: 0 } : {}),
      now: plan.context.now(),
    }),
    moveVolumes(plan.context.db, [volume.resourceId], ['available'], 'in-use', plan.context.now()),
  )
}

/** The volume in its server, as an object of its own: with it the volume can be taken out. */
export const takeAttachment = async (
  plan: Plan,
  server: Item,
  volume: Item,
  { device, boots, deleteOnTermination }: { device: string | null; boots: boolean; deleteOnTermination: boolean },
): Promise<void> => {
  const turn = boots ? { bootIndex: 0 } : {}
  const { context } = plan
  const realm = plan.cloud.attachment as Realm<unknown, AttachmentSeen> | undefined
  if (!realm) return
  if (await plan.attachedBefore(server.resourceId, volume.resourceId)) return
  const now = context.now()
  const spec = { server: server.nativeId, volume: volume.nativeId, device, ...(boots ? { boot: true } : {}) }
  const mark = {
    deployment: context.deployment.id,
    project: volume.projectId,
    kind: 'attachment' as const,
    resource: adoptedId(plan.row.id, 'attachment', `${server.nativeId}/${volume.nativeId}`),
    token: context.newId(),
    epoch: epochOf(now),
  }
  const seen = await realm.find(mark, spec)
  // What carries our mark is found by it, later: nobody here knows its token.
  if (!seen && plan.options.byMark) return
  if (!seen) throw new NotAdoptable(`The cloud does not show how volume ${volume.nativeId} is attached.`)
  const looking = [server, volume].some(({ ownership }) => ownership === 'foreign')
  const ownership = looking ? 'foreign' : plan.ownershipOf(seen.mark !== undefined, false, realm.mark !== undefined)
  const item: Item = {
    kind: 'attachment',
    resourceId: seen.mark?.resource ?? mark.resource,
    cloudId: plan.row.id,
    scope: '',
    nativeId: seen.id,
    projectId: volume.projectId,
    zone: volume.zone,
    ownership,
    remarks: [],
    fresh: true,
  }
  plan.items.push(item)
  plan.write(
    insertAttached(context.db, {
      id: item.resourceId,
      projectId: item.projectId,
      serverId: server.resourceId,
      volumeId: volume.resourceId,
      device: seen.device ?? device,
      deleteOnTermination,
      ...turn,
      now,
    }),
  )
  plan.bind(item, seen, spec as Json, seen.mark ?? mark)
}
