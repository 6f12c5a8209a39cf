import type { Realm, SnapshotSeen, SnapshotSpec } from '../../contract.ts'
import type { Engine } from '../engine.ts'
import { realm, referred, refuseUnsettled } from '../records/realm.ts'

/** Snapshots: a volume as it was, which outlive it. */
export const snapshots = (engine: Engine): Realm<SnapshotSpec, SnapshotSeen> =>
  realm(engine, {
    kind: 'snapshot',
    readyMs: engine.settings.snapshot_ms,
    removeMs: engine.settings.delete_ms,
    async draft(spec) {
      const volume = await referred(engine, 'volume', spec.volume)
      refuseUnsettled(engine, volume)
      return { name: spec.name, spec, sizeGiB: volume.spec.sizeGiB }
    },
    view: ({ sizeGiB }, seen) => ({ ...seen, sizeGiB }),
    async revise(entity, spec) {
      return { ...entity, name: spec.name, spec: { ...spec, volume: entity.spec.volume } }
    },
  })
