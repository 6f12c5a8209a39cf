import { commandLine } from '../../api/command.ts'
import { pairsIn } from '../../api/lines.ts'

/** What somebody wants a server to be, as the form has it. */
export interface Wish {
  name: string
  flavor: string
  image: string
  networks: string[]
  groups: string[]
  key: string
  zone: string
  count: string
  userData: string
  /** Lines `name=value`. */
  metadata: string
}

export const NOTHING: Wish = {
  name: '',
  flavor: '',
  image: '',
  networks: [],
  groups: [],
  key: '',
  zone: '',
  count: '1',
  userData: '',
  metadata: '',
}

/** Metadata as far as it is typed: of lines that say nothing yet, nothing. */
const metadataSoFar = (lines: string): Record<string, string> => {
  try {
    return Object.fromEntries(pairsIn(lines))
  } catch {
    return {}
  }
}

const countOf = ({ count }: Wish): number => Math.max(1, Math.min(1_000, Math.floor(Number(count)) || 1))

/** Text as Nova takes user data. */
export const base64 = (text: string): string =>
  btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''))

/** The body of `POST /servers`. @throws Fault which line of the metadata is no name with a value, or has a name again */
export const serverBody = (wish: Wish): object => {
  const metadata = Object.fromEntries(pairsIn(wish.metadata))
  const count = countOf(wish)
  return {
    server: {
      name: wish.name,
      flavorRef: wish.flavor,
      imageRef: wish.image,
      networks: wish.networks.length ? wish.networks.map((uuid) => ({ uuid })) : 'none',
      ...(wish.groups.length ? { security_groups: wish.groups.map((id) => ({ name: id })) } : {}),
      ...(wish.key ? { key_name: wish.key } : {}),
      ...(wish.zone ? { availability_zone: wish.zone } : {}),
      ...(Object.keys(metadata).length ? { metadata } : {}),
      ...(wish.userData ? { user_data: base64(wish.userData) } : {}),
      ...(count > 1 ? { min_count: count, max_count: count } : {}),
    },
  }
}

/** The body of `POST /broker/v1/placements` for the same; null: not enough is said yet. */
export const placementBody = (wish: Wish): object | null => {
  if (!wish.flavor || !wish.image) return null
  const metadata = metadataSoFar(wish.metadata)
  return {
    placement: {
      flavor: wish.flavor,
      image: wish.image,
      networks: wish.networks.length ? wish.networks : 'none',
      ...(wish.groups.length ? { security_groups: wish.groups } : {}),
      ...(wish.zone ? { availability_zone: wish.zone } : {}),
      ...(Object.keys(metadata).length ? { metadata } : {}),
      count: countOf(wish),
    },
  }
}

/** The same by the command line; what is there by its id, of which there is one. */
export const createLine = (wish: Wish): string => {
  const count = countOf(wish)
  return commandLine(
    'server',
    'create',
    ['--flavor', wish.flavor || 'FLAVOR'],
    ['--image', wish.image || 'IMAGE'],
    ...(wish.networks.length
      ? wish.networks.map((id): [string, string] => ['--network', id])
      : ([['--nic', 'none']] as [string, string][])),
    ...wish.groups.map((id): [string, string] => ['--security-group', id]),
    ['--key-name', wish.key],
    ['--availability-zone', wish.zone],
    ...Object.entries(metadataSoFar(wish.metadata)).map(([name, value]): [string, string] => [
      '--property',
      `${name}=${value}`,
    ]),
    ['--user-data', wish.userData ? 'FILE' : null],
    ...(count > 1
      ? ([
          ['--min', String(count)],
          ['--max', String(count)],
        ] as [string, string][])
      : []),
    wish.name || 'NAME',
  )
}
