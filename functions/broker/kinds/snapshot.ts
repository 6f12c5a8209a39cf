import type { SnapshotSeen, SnapshotSpec } from '../../../adapters/contract.ts'
import { snapshotById, updateSnapshot } from '../../../db/queries/block-storage/snapshots.ts'
import type { Context } from '../../context.ts'
import { noBackupMade, noSnapshotMade, tellUser } from '../block-storage/messages.ts'
import { charge, type Write } from '../line/commit.ts'
import { type Need, steps } from '../line/steps.ts'

type Row = NonNullable<Awaited<ReturnType<typeof snapshotById>>>

const volume = ({ snapshot, volumeProject }: Row): Need => ({
  kind: 'volume',
  resourceId: snapshot.volumeId,
  projectId: volumeProject,
})

const told = (context: Context, s: Row['snapshot'], why: string): Write =>
  s.backup
    ? tellUser(context, s, noBackupMade(why), 'VOLUME_BACKUP')
    : tellUser(context, s, noSnapshotMade(why), 'VOLUME_SNAPSHOT')

/** A volume as it was. */
export const snapshotSteps = steps<Row, SnapshotSpec, SnapshotSeen>({
  kind: 'snapshot',
  realm: (cloud) => cloud.snapshot,
  load: (context, { resourceId }) => snapshotById(context.db, resourceId),
  // Once it exists, its volume may go.
  needs: (_, row, __, stage) => (stage === 'create' ? [volume(row)] : []),
  spec: (_, row, binding, native, stage) => ({
    name: row.snapshot.name ?? row.snapshot.id,
    description: row.snapshot.description ?? '',
    volume: stage === 'create' ? native(volume(row)) : ((binding.frozen as SnapshotSpec | null)?.volume ?? ''),
  }),

  observe({ db, now }, { snapshot: s }, binding, seen) {
    if (binding.want === 'absent') return []
    if (seen.health === 'failed' && s.status !== 'error')
      return [
        updateSnapshot(db, s.id, {
          status: 'error',
          fault: seen.fault ?? 'The cloud could not make it.',
          updatedAt: now(),
        }),
      ]
    const recovered = s.status === 'error' && s.fault !== null
    return seen.health === 'ready' && (s.status === 'creating' || recovered)
      ? [updateSnapshot(db, s.id, { status: 'available', fault: null, updatedAt: now() })]
      : []
  },

  // A name that the cloud refused leaves the snapshot as it was.
  failed: (context, { snapshot: s }, { phase }, { code, message }) =>
    phase !== 'bound' || code === 'not_found'
      ? [
          updateSnapshot(context.db, s.id, { status: 'error', fault: message, updatedAt: context.now() }),
          ...(phase === 'bound' ? [] : [told(context, s, message)]),
        ]
      : [],

  gone(context, row) {
    if (!row) return []
    const { snapshot: s } = row
    const now = context.now()
    return [
      updateSnapshot(context.db, s.id, { status: 'deleted', deletedAt: now, updatedAt: now }),
      charge(s.projectId, s.backup ? 'backups' : 'snapshots', -1),
      charge(s.projectId, s.backup ? 'backup_gigabytes' : 'gigabytes', -s.sizeGib),
    ]
  },
})
