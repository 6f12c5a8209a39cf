import { KINDS, type Kind, type Mark } from '../contract.ts'

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
  /** On an image whose disks are not there yet. */
  importing: 'plimsoll.importing',
  /** The volume that the server boots from. */
  boot: 'plimsoll.boot',
  /** On a server that is not finished: where the disk belongs that it boots from, as `<controller>/<unit>`. */
  making: 'plimsoll.making',
  /** How far the rebuild of a server is. */
  rebuild: 'plimsoll.rebuild',
} as const

/** What the ids of images begin with that are packages of a content library. */
export const LIBRARY = 'library:'

/** Whether an image, or a cursor of the catalogue, is of a content library. */
export const isLibraryImage = (id: string): boolean => id.startsWith(LIBRARY)

/** One line, short enough for a port group's description (255 characters). */
export const writeMark = ({ deployment, project, kind, resource, token, epoch }: Mark): string =>
  ['plimsoll', deployment, project || '-', kind, resource, token, epoch].join(' ')

/** Any mark in a text, whose ever; undefined if there is none. */
export const readMark = (text: string | undefined): Mark | undefined => {
  const [, deployment, project, kind, resource, token, epoch] =
    /^plimsoll (\S+) (\S+) (\S+) (\S+) (\S+) (\d+)$/m.exec(text ?? '') ?? []
  if (!deployment || !resource || !token || !KINDS.includes(kind as Kind)) return undefined
  return {
    deployment,
    project: project === '-' ? '' : (project ?? ''),
    kind: kind as Kind,
    resource,
    token,
    epoch: Number(epoch),
  }
}

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
