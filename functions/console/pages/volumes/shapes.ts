/** A volume as Cinder 3.70 shows it, as far as the console does. */
export interface Volume {
  id: string
  name: string | null
  status: string
  size: number
  availability_zone: string | null
  created_at: string
  volume_type: string | null
  bootable: string
  attachments: { server_id: string; device: string }[]
}
export interface Snapshot {
  id: string
  name: string | null
  status: string
  size: number
  created_at: string
  volume_id: string
}
export interface Backup {
  id: string
  name: string | null
  status: string
  size: number
  created_at: string
  volume_id: string
  is_incremental: boolean
  has_dependent_backups: boolean
  fail_reason: string | null
}

export const volumesIn = (body: unknown): Volume[] => (body as { volumes: Volume[] }).volumes
export const snapshotsIn = (body: unknown): Snapshot[] => (body as { snapshots: Snapshot[] }).snapshots
export const backupsIn = (body: unknown): Backup[] => (body as { backups: Backup[] }).backups

/** Whether one of them will be something else soon: `creating`, `backing-up`. */
export const isUnderWay = (rows: { status: string }[]): boolean =>
  rows.some(({ status }) => /(?:ing|-up|-backup)$/.test(status) && !status.startsWith('error'))
