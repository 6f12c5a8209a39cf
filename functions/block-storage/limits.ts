import { projectOf } from '../broker/block-storage/volume.ts'
import { limitsOf } from '../broker/line/quotas.ts'
import { type Operation, operation } from '../http/operation.ts'

/** Counter, name of its limit, name of what is used of it. */
const LIMITS = [
  ['volumes', 'maxTotalVolumes', 'totalVolumesUsed'],
  ['gigabytes', 'maxTotalVolumeGigabytes', 'totalGigabytesUsed'],
  ['snapshots', 'maxTotalSnapshots', 'totalSnapshotsUsed'],
  ['backups', 'maxTotalBackups', 'totalBackupsUsed'],
  ['backup_gigabytes', 'maxTotalBackupGigabytes', 'totalBackupGigabytesUsed'],
] as const

/** https://docs.openstack.org/api-ref/block-storage/v3/#limits-limits */
export const limitOperations: Operation[] = [
  operation({
    name: 'limits.show',
    method: 'GET',
    path: '/limits',
    who: 'reader',
    summary: 'Limits of the project and what it uses; requests are not counted.',
    status: 200,
    handle: async ({ context, query, version }) => {
      const other = context.caller?.isAdmin && version >= 39 ? (query.project_id ?? query.tenant_id) : undefined
      const limits = await limitsOf(context, other ?? projectOf(context))
      const absolute = LIMITS.flatMap(([name, most, used]) => [
        [most, limits(name).limit],
        [used, limits(name).used],
      ])
      return { body: { limits: { rate: [], absolute: Object.fromEntries(absolute) } } }
    },
  }),
]
