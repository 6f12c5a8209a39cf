import type { ImageSeen, Json, NativeId } from '../../../adapters/contract.ts'
import type { CatalogueImage } from '../../../db/queries/clouds/catalogue.ts'
import { uuid5 } from '../line/uuid.ts'

/**
 * Images that several clouds have, each by a name of its own. An operator says which they are: option `images.as` of a
 * cloud maps the one name to the name of an entry in its catalogue, in which `*` stands for anything.
 */
export const IMAGE_NAMES = 'images.as'
export const WANTED_NAMES =
  'an object of names of images, each with the name of an entry of the catalogue (* stands for anything)'

/** No image, and no name of one, is longer. */
const LONGEST = 255

const isTable = (value: Json | undefined): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const areImageNames = (value: Json): boolean =>
  isTable(value) &&
  Object.entries(value).every(
    ([name, pattern]) =>
      name !== '' &&
      name.length <= LONGEST &&
      typeof pattern === 'string' &&
      pattern !== '' &&
      pattern.length <= LONGEST,
  )

/** The rules among the options of a cloud, wherever they stand, and the options without them. */
export const withoutImageNames = (
  options: Record<string, Json>,
): { names: Json | undefined; rest: Record<string, Json> } => {
  const { [IMAGE_NAMES]: flat, ...others } = options
  if (!isTable(others.images) || !Object.hasOwn(others.images, 'as')) return { names: flat, rest: others }
  const { as: names, ...images } = others.images
  const { images: _, ...without } = others
  return {
    // Said twice it is said wrongly.
    names: flat === undefined ? names : null,
    rest: Object.keys(images).length ? { ...others, images } : without,
  }
}

/** The rules of a cloud, which were looked at when it was registered. */
export const imageNames = (options: Record<string, Json>): Record<string, string> => {
  const { names } = withoutImageNames(options)
  return names !== undefined && areImageNames(names) ? (names as Record<string, string>) : {}
}

/** What stands for an entry of a catalogue above the line, by itself. */
export const entryId = (cloudId: string, nativeId: NativeId): string => uuid5(`image/${cloudId}/${nativeId}`)
/** What stands for an image that clouds have by a rule: the same everywhere, so that no order of reading matters. */
const sharedId = (name: string): string => uuid5(`image-as/${name}`)

/** Whether a name is of a pattern. Linear in both: operators write these, clouds write those. */
const isOf = (pattern: string, name: string): boolean => {
  const [first = '', ...others] = pattern.split('*')
  const last = others.pop()
  if (last === undefined) return name === first
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false
  let at = first.length
  const end = name.length - last.length
  for (const part of others) {
    const found = name.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

const newest = (one: ImageSeen, other: ImageSeen): number =>
  other.createdAt.localeCompare(one.createdAt) || other.id.localeCompare(one.id)

/**
 * The entries of a catalogue, and those of them that are shared images by a rule: the newest that is ready of each name.
 * All that go by a rule are marked, so that they are not listed beside it.
 */
export const byNames = (
  names: Record<string, string>,
  images: CatalogueImage[],
): { seen: CatalogueImage[]; shared: CatalogueImage[] } => {
  const claimed = new Set<string>()
  const shared = Object.entries(names).flatMap(([name, pattern]) => {
    const matching = images.filter((image) => image.health === 'ready' && isOf(pattern, image.name ?? ''))
    for (const { uuid } of matching) claimed.add(uuid)
    const [first] = matching.sort(newest)
    return first ? [{ ...first, uuid: sharedId(name), name }] : []
  })
  return { seen: images.map((image) => (claimed.has(image.uuid) ? { ...image, claimed: true } : image)), shared }
}
