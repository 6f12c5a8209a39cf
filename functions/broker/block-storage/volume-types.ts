import { offersType, volumeTypesFor } from '../../../db/queries/block-storage/volume-types.ts'
import type { Context } from '../../context.ts'
import { idOf } from '../line/uuid.ts'

/** What each cloud takes when nothing else is said. It is always there, and no cloud's own. */
export const DEFAULT_TYPE = 'default'

/** A type is one however many clouds offer it, and has the same id in every deployment. */
export const typeIdOf = (name: string): string => idOf(`volume-type/${name}`)

export interface VolumeType {
  id: string
  name: string
  /** Where it is offered, as `<cloud>.<zone>` in the broker's order; null: wherever there are volumes. */
  zones: string[] | null
}

const anywhere: VolumeType = { id: typeIdOf(DEFAULT_TYPE), name: DEFAULT_TYPE, zones: null }

/** Types of the clouds that the caller may use: `default`, then the others by name. */
export const volumeTypes = async ({ db, scope }: Context): Promise<VolumeType[]> => {
  const types = new Map<string, string[]>()
  for (const { name, cloud, zone } of await volumeTypesFor(db, scope))
    types.set(name, [...(types.get(name) ?? []), `${cloud}.${zone}`])
  return [anywhere, ...[...types].map(([name, zones]) => ({ id: typeIdOf(name), name, zones }))]
}

/** Null: no cloud that the caller may use offers it. */
export const volumeTypeFor = async (context: Context, idOrName: string): Promise<VolumeType | null> => {
  const same = ({ id, name }: VolumeType) => idOrName === id || idOrName === name
  return same(anywhere) ? anywhere : ((await volumeTypes(context)).find(same) ?? null)
}

/** The type of a disk that a cloud shows, where it is one that can be asked for. */
export const knownType = async ({ db }: Context, cloudId: string, type: string | undefined): Promise<string> =>
  type !== undefined && (await offersType(db, cloudId, type)) ? type : DEFAULT_TYPE
