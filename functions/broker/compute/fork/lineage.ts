import { forksOf, hasForks } from '../../../../db/queries/compute/forks.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Context } from '../../../context.ts'
import { FORK_OF } from '../../image/image.ts'
import { guard, type Write } from '../../line/commit.ts'
import { Refused } from '../../line/refused.ts'
import { refuse } from '../server-refusal.ts'

const MODES = { instant: 'instant', snapshot: 'snapshot+boot' } as const

/** What a fork says of itself in its metadata, whatever users write under these names; empty for other servers. */
export const lineage = ({
  parentId,
  forkMode,
  expiresAt,
}: Pick<ServerRow, 'parentId' | 'forkMode' | 'expiresAt'>): Record<string, string> =>
  parentId === null || forkMode === null
    ? {}
    : {
        [FORK_OF]: parentId,
        fork_mode: MODES[forkMode],
        ...(expiresAt === null
          ? {}
          : { 'plimsoll:expires_at': new Date(expiresAt).toISOString().replace(/\.\d+Z$/, 'Z') }),
      }

const NAMED = 20

/** Runs what deletes a server, under the guard that it has no forks. Throws `ServerRefused` (`forked`). */
export const unlessForked = async (
  context: Context,
  { id }: ServerRow,
  remove: (unforked: Write) => Promise<void>,
): Promise<void> => {
  try {
    await remove(guard(context, 'forked', hasForks(id)))
  } catch (error) {
    if (!(error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'forked')) throw error
    refuse({ kind: 'forked', id, forks: await forksOf(context.db, id, NAMED) })
  }
}
