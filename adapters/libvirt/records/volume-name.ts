import { createHash } from 'node:crypto'
import { KINDS, type Kind, type Mark } from '../../contract.ts'

/*
 * A volume of libvirt has a name, and nothing beside it: the name is the mark. It fits what LVM takes, 127 characters of
 * `a-zA-Z0-9+_.-`, so ids go in shortened. Its end says where it was made: another host may have the same pool, where the
 * same volume is a second one that nothing accounts for.
 */

/** Where a volume is made: names of a host and of its pool. */
export interface Place {
  host: string
  pool: string
}

/** 8 characters that stand for a place. */
const shortOf = ({ host, pool }: Place): string =>
  createHash('sha256').update(`${host}/${pool}`).digest('base64url').slice(0, 8)

const DASHED = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/
const BARE = /^[0-9a-f]{32}$/

/** 22 characters for the 128 bits of a UUID behind a letter that says how it was written; other words as they are. */
const shortened = (id: string): string => {
  const hex = id.replaceAll('-', '')
  const how = DASHED.test(id) ? 'd' : BARE.test(id) ? 'b' : null
  if (how === null) return `w${id}`
  const bytes = String.fromCharCode(...(hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)))
  return how + btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

const lengthened = (text: string): string | null => {
  if (text.startsWith('w')) return text.slice(1)
  if (!/^[bd][\w-]{22}$/.test(text)) return null
  const bytes = atob(text.slice(1).replaceAll('-', '+').replaceAll('_', '/'))
  const hex = [...bytes].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('')
  return text.startsWith('b') ? hex : hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** The name of the volume that carries a mark: the same for the same request, so that a second one collides. */
export const nameFor = ({ deployment, project, kind, resource, token, epoch }: Mark, place: Place): string =>
  ['plimsoll', kind, ...[deployment, project, resource, token].map(shortened), epoch.toString(36), shortOf(place)].join(
    '.',
  )

const NAME = /^plimsoll\.(\w+)\.((?:[bdw][\w-]*\.){4})([0-9a-z]+)\.([\w-]{8})$/

/** Whether a name is one of ours that says another place than that in which it is. */
export const isFromElsewhere = (name: string, place: Place): boolean => {
  const made = NAME.exec(name)?.[4]
  return made !== undefined && made !== shortOf(place)
}

/** What a server has for itself: its disk, another one from which it runs for a while, the discs that its guest reads at its first start, what it said. */
export type Part = 'root' | 'rescue' | 'seed' | 'drive' | 'log'

/** The name of a part of a server: there is one of each. Pools of files alone have them, where a name may be longer. */
export const partName = (mark: Mark, part: Part, place: Place): string => `${nameFor(mark, place)}.${part}`

/** Where pools for logs are said to be made: they are the host's, and in no pool. */
export const logPlace = (host: string): Place => ({ host, pool: '' })
/** The pool that has the log of a server, and nothing else. */
export const logPoolName = (mark: Mark, host: string): string => partName(mark, 'log', logPlace(host))

const ENDS = /\.(root|rescue|seed|drive|log|gone|making)$/

/** Kinds that are volumes on a host, and not above the line. */
const KEPT_AS_VOLUMES = ['image', 'snapshot']

/** Whether a name is one of ours that stands for no volume of anybody: a part of a server, an image, a snapshot, or what those need. */
export const isPart = (name: string): boolean =>
  (ENDS.test(name) && NAME.test(name.replace(ENDS, ''))) || KEPT_AS_VOLUMES.includes(NAME.exec(name)?.[1] ?? '')

/** The mark of the server that has a part, and which part that is; undefined: it is none, or of another place. */
export const partIn = (name: string, place: Place): { mark: Mark; part: string } | undefined => {
  const part = ENDS.exec(name)?.[1]
  const mark = part && part !== 'gone' ? markIn(name.replace(ENDS, ''), place) : undefined
  return part && mark?.kind === 'server' ? { mark, part } : undefined
}

/** Volumes that are images have the same name on all hosts but for its end, which says where. */
export const imageBase = (mark: Mark): string => nameFor(mark, { host: '', pool: '' }).replace(/\.[^.]*$/, '')
export const imageName = (base: string, place: Place): string => `${base}.${shortOf(place)}`
/** Null: it is no image that was made there. */
export const baseIn = (name: string, place: Place): string | null =>
  markIn(name, place)?.kind === 'image' ? name.replace(/\.[^.]*$/, '') : null
/** Of an image that nobody has any more, but on which disks still stand. */
export const goneName = (image: string): string => `${image}.gone`

/** Beside a copy, for as long as not all of it is there. */
export const makingName = (copy: string): string => `${copy}.making`

/** The mark in the name of a volume of a place, whoever's it is; undefined if it is none, or was made elsewhere. */
export const markIn = (name: string, place: Place): Mark | undefined => {
  const [, said, ids = '', epoch = '', made] = NAME.exec(name) ?? []
  if (made !== shortOf(place)) return undefined
  const [deployment, project, resource, token] = ids.split('.').slice(0, 4).map(lengthened)
  if (!KINDS.includes(said as Kind) || !deployment || project == null || !resource || !token) return undefined
  return { deployment, project, kind: said as Kind, resource, token, epoch: Number.parseInt(epoch, 36) }
}
