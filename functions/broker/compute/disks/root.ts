import { attachmentsOf } from '../../../../db/queries/block-storage/attachments.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import { everyProject } from '../../../../db/scope.ts'
import type { Context } from '../../../context.ts'

/** Id of the volume that a server boots from; null: its root disk is its own. */
export const rootVolumeOf = async ({ db }: Context, { id }: Pick<ServerRow, 'id'>): Promise<string | null> =>
  (await attachmentsOf(db, everyProject, id)).find(({ bootIndex }) => bootIndex === 0)?.volumeId ?? null
