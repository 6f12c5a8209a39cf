import { PLUG_KINDS } from '../../../adapters/contract.ts'
import { type ExportFilter, exportPage } from '../../../db/queries/line/export.ts'
import type { Context } from '../../context.ts'

/** One object of a cloud with what it stands for, and the tags by which it is told to be ours. */
export interface Exported {
  kind: string
  resource_id: string
  project_id: string
  cloud: string
  zone: string | null
  native_id: string
  /** Only looked at: it has no tags of ours. */
  read_only: boolean
  tags: Record<string, string>
}

/** A page of everything that is managed here, in the order in which it was bound; `next` leads on. */
export const exportObjects = async (
  context: Context,
  filter: ExportFilter,
): Promise<{ objects: Exported[]; next: string | null }> => {
  const rows = await exportPage(context.db, filter)
  const objects = rows.map(({ binding: b, cloud, user }): Exported => {
    const bare = b.ownership === 'foreign' || PLUG_KINDS.some((plug) => plug === b.kind)
    return {
      kind: b.kind,
      resource_id: b.resourceId,
      project_id: b.projectId,
      cloud,
      zone: b.zone,
      native_id: b.nativeId!,
      read_only: b.ownership === 'foreign',
      tags: bare
        ? {}
        : {
            deployment: context.deployment.id,
            project: b.projectId,
            ...(user === null ? {} : { user }),
            kind: b.kind,
            resource: b.resourceId,
            token: b.token,
            epoch: String(b.epoch),
          },
    }
  })
  return { objects, next: rows.length === filter.limit ? String(rows.at(-1)!.row) : null }
}
