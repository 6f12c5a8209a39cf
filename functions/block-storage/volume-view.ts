import type { VolumeRead } from '../../db/queries/block-storage/volumes.ts'
import { typeIdOf } from '../broker/block-storage/volume-types.ts'
import type { Input } from '../http/operation.ts'
import { linksTo, pursue } from './routes.ts'
import { changedAt, time } from './shapes.ts'

/** Where a volume is, as people name it: the zone that was named without saying where, else `<cloud>.<zone>`; null: it never was anywhere. */
const zoneOf = ({ cloud, zone, pinnedZone }: VolumeRead): string | null =>
  pinnedZone ?? (zone === null ? null : `${cloud}.${zone}`)

/** What its user calls its type. */
export const typeNameOf = ({ typeId, typeName, volumeType }: VolumeRead): string => typeName ?? typeId ?? volumeType

/** Where one really is whose zone does not say so; of others their zone is all that there is to say. */
const placeOf = ({ cloud, zone, pinnedZone }: VolumeRead) =>
  pinnedZone === null || zone === null ? {} : { 'plimsoll:zone': `${cloud}.${zone}` }

/** As 3.0 shows it (cinder/api/v3/views/volumes.py, legacy_detail). */
const base = (input: Input, v: VolumeRead) => ({
  id: v.id,
  status: v.status,
  size: v.sizeGib,
  availability_zone: zoneOf(v),
  ...placeOf(v),
  created_at: time(v.createdAt),
  updated_at: changedAt(v),
  name: v.name,
  description: v.description,
  volume_type: typeNameOf(v),
  snapshot_id: v.snapshotId,
  source_volid: v.sourceVolumeId,
  metadata: v.metadata,
  links: linksTo(input, 'volumes', v.id),
  user_id: v.userId,
  bootable: String(v.bootable),
  encrypted: false,
  replication_status: null,
  consistencygroup_id: null,
  multiattach: false,
  attachments: attached(v),
})

/** While it is being attached it is in no server yet. */
const attached = ({ attachment: a, id }: VolumeRead) =>
  a && (a.status === 'attached' || a.status === 'detaching')
    ? [
        {
          id,
          attachment_id: a.id,
          volume_id: id,
          server_id: a.serverId,
          host_name: null,
          device: a.device,
          attached_at: time(a.attachedAt),
        },
      ]
    : []

interface Addition {
  since: number
  admin?: boolean
  add: (v: VolumeRead) => Record<string, unknown>
}
/** What each microversion adds, in their order. */
const additions: Addition[] = [
  { since: 0, admin: true, add: () => ({ migration_status: null }) },
  { since: 13, add: (v) => ({ group_id: v.groupId }) },
  { since: 21, admin: true, add: () => ({ provider_id: null }) },
  { since: 48, add: () => ({ shared_targets: false, service_uuid: null }) },
  { since: 61, admin: true, add: () => ({ cluster_name: null }) },
  { since: 63, add: (v) => ({ volume_type_id: v.typeId ?? typeIdOf(v.volumeType) }) },
  { since: 65, add: () => ({ consumes_quota: true }) },
]

/** The volume as create and update answer it. */
export const volumeView = (input: Input, volume: VolumeRead): Record<string, unknown> => {
  const admin = input.context.caller?.isAdmin ?? false
  const view: Record<string, unknown> = base(input, volume)
  for (const addition of additions)
    if (input.version >= addition.since && (!addition.admin || admin)) Object.assign(view, addition.add(volume))
  return view
}

/** With what extensions add where a volume is shown. */
export const fullView = (input: Input, v: VolumeRead): Record<string, unknown> => {
  const view = volumeView(input, v)
  view['os-vol-tenant-attr:tenant_id'] = v.projectId
  if (input.context.caller?.isAdmin) {
    view['os-vol-host-attr:host'] = v.cloudId === null ? null : `${v.cloud}@${v.zone}#${v.volumeType}`
    view['os-vol-mig-status-attr:migstat'] = null
    view['os-vol-mig-status-attr:name_id'] = null
  }
  if (Object.keys(v.imageMetadata).length) view.volume_image_metadata = v.imageMetadata
  return view
}

/** The volume among many. */
export const summary = (input: Input, { id, name }: VolumeRead) => ({ id, name, links: linksTo(input, 'volumes', id) })

/** Drives on what is under way: the volume itself, or its attachment. */
export const pursueVolumes = ({ context }: Input, volumes: VolumeRead[]): void =>
  pursue(
    context,
    volumes
      .filter(({ dueAt, attachmentDueAt }) => dueAt !== null || attachmentDueAt !== null)
      .flatMap(({ id, cloudId, dueAt, attachment, attachmentDueAt }) =>
        cloudId === null
          ? []
          : [
              { kind: 'volume' as const, resourceId: id, cloudId, scope: '', dueAt },
              {
                kind: 'attachment' as const,
                resourceId: attachment?.id ?? '',
                cloudId,
                scope: '',
                dueAt: attachmentDueAt,
              },
            ],
      ),
  )
