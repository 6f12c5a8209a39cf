import type { Mark } from '../contract.ts'
import { readMark, writeMark } from '../shared/mark-line.ts'

/**
 * Our owner mark in the settings of a virtual machine. The keys do not begin with `guestinfo.`: those the guest itself
 * may write, and a server must not be able to name another owner.
 */
export const KEY = {
  mark: 'plimsoll.mark',
  /** The ports of the server, by MAC address. */
  ports: 'plimsoll.ports',
  size: 'plimsoll.size',
  image: 'plimsoll.image',
  name: 'plimsoll.name',
  metadata: 'plimsoll.metadata',
  /** Of a server in a group: the group's own id, and whether its rule is still to come. */
  group: 'plimsoll.group',
  /** Of a server in a group, whatever its policy: which, in a line. */
  grouping: 'plimsoll.grouping',
  /** On an image whose disks are not there yet. */
  importing: 'plimsoll.importing',
  /** On an image of a volume whose disk is not there yet: the task that copies it, `-`: none, and where it belongs. */
  copying: 'plimsoll.copying',
  /** The volume that the server boots from. */
  boot: 'plimsoll.boot',
  /** On a server that is not finished: where the disk belongs that it boots from, as `<controller>/<unit>`; `/`: none. */
  making: 'plimsoll.making',
  /** On a server that is to boot from another volume: where that belongs, as `<controller>/<unit>`. */
  exchange: 'plimsoll.exchange',
  /** On a server that was asked for with a config drive: `true`, a disc; `guestinfo`, settings. */
  drive: 'plimsoll.drive',
  /** How far the rebuild of a server is. */
  rebuild: 'plimsoll.rebuild',
} as const

/** What is to be on the config drive of a server that is not finished: too much to be read with every listing. */
export const DRIVE_CONTENT = 'plimsoll.drive.content'

/** What the ids of images begin with that are packages of a content library. */
export const LIBRARY = 'library:'

/** Whether an image, or a cursor of the catalogue, is of a content library. */
export const isLibraryImage = (id: string): boolean => id.startsWith(LIBRARY)

/** The mark if it is this deployment's; another's is none of ours. */
export const ourMark = (text: string | undefined, deployment: string): Mark | undefined => {
  const mark = readMark(text)
  return mark?.deployment === deployment ? mark : undefined
}

/** A text with the mark as its last line, or without any; the rest stays as it is. */
export const withMark = (text: string, mark: Mark | null): string => {
  const rest = text.replace(/\n?^plimsoll \S+ \S+ \S+ \S+ \S+ \d+$/m, '')
  return mark ? `${rest}${rest ? '\n' : ''}${writeMark(mark)}` : rest
}

/** Names of ours end in the token, so that a second object of the same request collides with the first. */
const SUFFIX = / \(([0-9a-f-]{36})\)$/
/** 80 characters are what vCenter takes; `%`, `/` and `\` it would escape (ManagedEntity.name). */
export const tokenName = (name: string, token: string): string =>
  `${
    name
      .replaceAll(/[%/\\]/g, '_')
      .slice(0, 41)
      .trim() || 'unnamed'
  } (${token})`
/** A name as its user knows it, without the token at its end. */
export const plainName = (name: string): string => name.replace(SUFFIX, '')

/** The token at the end of a name; undefined: it has none. */
export const tokenIn = (name: string): string | undefined => SUFFIX.exec(name)?.[1]
