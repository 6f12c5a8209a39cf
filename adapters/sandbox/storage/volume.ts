import type { Realm, VolumeSeen, VolumeSpec, VolumeType } from '../../contract.ts'
import type { Engine } from '../engine.ts'
import { refusal } from '../errors.ts'
import { findImage } from '../records/catalog.ts'
import { holdOf } from '../records/hold.ts'
import { realm, referred, refuseUnsettled } from '../records/realm.ts'

/** Every type of the options, in every zone. */
export const volumeTypes = (engine: Engine): Promise<VolumeType[]> =>
  engine.call('cloud.volumeTypes', {}, async () => engine.settings.volume_types.map((name) => ({ name })))

/** Volumes: disks that outlive servers, in one zone. */
export const volumes = (engine: Engine): Realm<VolumeSpec, VolumeSeen> => {
  const { settings, state, room } = engine

  /** GiB that the source needs at least. */
  const sourceSize = async ({ source, zone }: VolumeSpec): Promise<number> => {
    if (!source) return 1
    if (source.kind === 'image') return (await findImage(engine, source.id)).minDiskGiB
    if (source.kind === 'snapshot') {
      const snapshot = await referred(engine, 'snapshot', source.id)
      refuseUnsettled(engine, snapshot)
      return snapshot.sizeGiB
    }
    const volume = await referred(engine, 'volume', source.id)
    refuseUnsettled(engine, volume)
    if (volume.spec.zone !== zone) throw refusal('WrongZone', 'A volume is copied within its zone only.')
    return volume.spec.sizeGiB
  }

  return realm(engine, {
    kind: 'volume',
    readyMs: settings.volume_ms,
    removeMs: settings.delete_ms,
    async draft(spec, _, key) {
      const type = spec.type ?? (settings.volume_types[0] as string)
      if (!settings.volume_types.includes(type)) throw refusal('InvalidValue', `The cloud has no volume type ${type}.`)
      const least = await sourceSize(spec)
      if (!Number.isInteger(spec.sizeGiB) || spec.sizeGiB < least) {
        throw refusal('InvalidValue', `The volume needs ${least} GiB at least.`)
      }
      await room.take(spec.zone, key, [0, 0, spec.sizeGiB])
      return { name: spec.name, spec, zone: spec.zone, type, hold: null }
    },
    async view(entity, seen, lookup) {
      const hold = await holdOf(engine, entity, lookup)
      const { type, spec } = entity
      return { ...seen, sizeGiB: spec.sizeGiB, server: hold?.server ?? null, device: hold?.device ?? null, type }
    },
    async inUse(entity) {
      if (await holdOf(engine, entity, state.lookup)) throw refusal('InUse', 'The volume is attached to a server.')
    },
    release: ({ spec, id }, goneAt) => room.release(spec.zone, state.key('volume', id), goneAt),
    async revise(entity, spec) {
      if (spec.sizeGiB < entity.spec.sizeGiB) throw refusal('InvalidValue', 'A volume cannot shrink.')
      if (spec.zone !== entity.spec.zone) throw refusal('WrongZone', 'A volume cannot move to another zone.')
      const type = spec.type ?? entity.type
      if (!settings.volume_types.includes(type)) throw refusal('InvalidValue', `The cloud has no volume type ${type}.`)
      await room.take(spec.zone, state.key('volume', entity.id), [0, 0, spec.sizeGiB])
      const { name, sizeGiB } = spec
      // What is told its own type has not changed.
      const asked = type === entity.type ? entity.spec.type : type
      return { ...entity, name, type, spec: { ...entity.spec, name, sizeGiB, type: asked } }
    },
  })
}
