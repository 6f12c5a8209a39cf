import {
  defaultTypeOf,
  type MadeTypeRow,
  madeTypeFor,
  qosSpecsById,
  typeMoved,
  typesFor,
} from '../../../db/queries/block-storage/made-types.ts'
import { offersType, volumeTypesFor } from '../../../db/queries/block-storage/volume-types.ts'
import type { VolumeZone } from '../../../db/queries/block-storage/volume-zones.ts'
import type { ImageRow } from '../../../db/queries/image/images.ts'
import type { Context } from '../../context.ts'
import { guard, type Write } from '../line/commit.ts'
import { idOf } from '../line/uuid.ts'
import { poolsIn, RESERVED_ZONES, satisfies } from './pools.ts'
import { DEFAULT_TYPE } from './type-names.ts'
import { VolumeRefused } from './volume-refusal.ts'

export { DEFAULT_TYPE }

/** A type is one however many clouds offer it, and has the same id in every deployment. */
export const typeIdOf = (name: string): string => idOf(`volume-type/${name}`)

export interface VolumeType {
  id: string
  name: string
  /** Where a cloud offers it, as `<cloud>.<zone>` in the broker's order; null: wherever there are volumes, or what an operator made says. */
  zones: string[] | null
  /** What an operator said of it; null: it is a cloud's own. */
  made: MadeTypeRow | null
}

const anywhere: VolumeType = { id: typeIdOf(DEFAULT_TYPE), name: DEFAULT_TYPE, zones: null, made: null }
const asMade = (made: MadeTypeRow): VolumeType => ({ id: made.id, name: made.name, zones: null, made })

/** Whose types the caller sees: his project's, all as an administrator. */
const seenBy = ({ scope, caller }: Context): string | null =>
  caller?.isAdmin || 'every' in scope ? null : scope.projectId

const offered = (rows: { name: string; cloud: string; zone: string }[]): VolumeType[] => {
  const types = new Map<string, string[]>()
  for (const { name, cloud, zone } of rows) types.set(name, [...(types.get(name) ?? []), `${cloud}.${zone}`])
  return [...types].map(([name, zones]) => ({ id: typeIdOf(name), name, zones, made: null }))
}

/** Types that the caller may use: those that operators made, `default`, then what the clouds offer, by name. */
export const volumeTypes = async (context: Context): Promise<VolumeType[]> => {
  const types = await typesFor(context.db, seenBy(context), context.scope)
  return [...types.made.map(asMade), anywhere, ...offered(types.offered)]
}

/** Null: no operator made it for the caller, and no cloud that he may use offers it. */
export const volumeTypeFor = async (context: Context, idOrName: string): Promise<VolumeType | null> => {
  const same = ({ id, name }: VolumeType) => idOrName === id || idOrName === name
  if (same(anywhere)) return anywhere
  const made = await madeTypeFor(context.db, seenBy(context), idOrName)
  return made ? asMade(made) : (offered(await volumeTypesFor(context.db, context.scope)).find(same) ?? null)
}

/** What volumes of a project have that name no type and are made of nothing that has one; null: what each cloud takes. */
export const typeByDefault = async (context: Context, projectId: string): Promise<VolumeType | null> => {
  const id = await defaultTypeOf(context.db, projectId)
  return id === null ? null : volumeTypeFor(context, id)
}

/**
 * The type that an image says its volumes are of; null: it says none, or one that there is not, which Cinder passes over
 * (cinder/volume/flows/api/create_volume.py, `_get_volume_type`).
 */
export const typeOfImage = async (
  context: Context,
  image: Pick<ImageRow, 'properties'> | null,
): Promise<VolumeType | null> => {
  const said = image?.properties.cinder_img_volume_type
  return said ? volumeTypeFor(context, said) : null
}

/** A type as a volume of it is asked for. */
export interface AskedType {
  /** What its cloud calls it, or `default`. */
  native: string
  /** Of the type that an operator made; null: it is the cloud's. */
  typeId: string | null
  typeName: string | null
  /** As it was read; null: it is the cloud's. */
  made: MadeTypeRow | null
  /** Whether a volume of it may be in a zone. */
  fits(place: VolumeZone): boolean
}

/** What a cloud is asked for, and where. Throws `VolumeRefused` (`incapable`) for a promise that no cloud keeps. */
export const asAsked = async (context: Context, { name, made }: VolumeType): Promise<AskedType> => {
  if (!made) return { native: name, typeId: null, typeName: null, made: null, fits: () => true }
  if (made.encryption)
    throw new VolumeRefused({
      kind: 'incapable',
      reason: `Volume type ${name} is encrypted by ${made.encryption.provider}, and no cloud encrypts volumes as they are asked to: it is a setting of the cloud's connection.`,
    })
  const qos = made.qosSpecsId === null ? null : await qosSpecsById(context.db, made.qosSpecsId)
  if (qos && Object.keys(qos.specs).length)
    throw new VolumeRefused({
      kind: 'incapable',
      reason: `Volume type ${name} has QoS specs ${qos.name} (${Object.keys(qos.specs).join(', ')}), which no cloud keeps to: a volume is as fast as its type of the cloud.`,
    })
  const { volume_backend_name: native = DEFAULT_TYPE, [RESERVED_ZONES]: zones, ...specs } = made.extraSpecs
  const among = zones?.split(',').map((zone) => zone.trim())
  return {
    native,
    typeId: made.id,
    typeName: name,
    made,
    fits: (place) =>
      (!among || among.includes(place.cloud) || among.includes(`${place.cloud}.${place.zone}`)) &&
      poolsIn(place).some((pool) => pool.volume_backend_name === native && satisfies(pool, specs)),
  }
}

/** For a batch that is decided by a type. Guard: `type-moved` where it is not what it was. */
export const stillOfType = (context: Context, { made }: Pick<AskedType, 'made'>): Write[] =>
  made ? [guard(context, 'type-moved', typeMoved(made))] : []

/** The same of a type by its id, whoever may use it; null: it is no type of an operator's any more. */
export const askedById = async (context: Context, typeId: string): Promise<AskedType | null> => {
  const made = await madeTypeFor(context.db, null, typeId)
  return made ? asAsked(context, asMade(made)) : null
}

/** The type of a disk that a cloud shows, where it is one that can be asked for. */
export const knownType = async ({ db }: Context, cloudId: string, type: string | undefined): Promise<string> =>
  type !== undefined && (await offersType(db, cloudId, type)) ? type : DEFAULT_TYPE
