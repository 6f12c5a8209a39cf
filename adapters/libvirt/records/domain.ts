import type { Power } from '../../contract.ts'
import { child, childrenOf, type Element, parseXml } from '../../shared/xml.ts'
import { table } from '../../table.ts'
import { type Note, readNote } from '../marks.ts'
import type { Host } from '../wire/host.ts'
import {
  DOMAIN_STATE,
  DOMAIN_XML,
  type DomainRef,
  FIND_DOMAIN,
  HAS_SAVED,
  IS_PERSISTENT,
  isUuid,
  LIST_DOMAINS,
} from '../wire/procedures.ts'
import { fewAtATime } from './few.ts'
import { orNull } from './volume.ts'
import { partName } from './volume-name.ts'

/** Where a disk of a domain is: at a path of the host, in a pool by name, or elsewhere. */
type DiskPlace = { path: string } | { pool: string; volume: string } | null

export interface DomainDisk {
  /** As libvirt calls it, e.g. `vda`; what the guest makes of it is the guest's. */
  target: string
  place: DiskPlace
  /** As its definition says it. */
  format: string
  root: boolean
}
/** What a card is plugged into: a network of libvirt's by name, or a bridge or a device of the host. */
export interface Plug {
  kind: 'network' | 'bridge' | 'direct'
  name: string
  vlan: number | null
}
interface Card {
  mac: string
  /** Null: into nothing that is a network. */
  plug: Plug | null
}
/** A domain: a virtual machine of a host. */
export interface Domain {
  ref: DomainRef
  power: Power
  /** It is there also when it does not run. */
  persistent: boolean
  cpus: number
  ramMiB: number
  arch: 'x86_64' | 'aarch64'
  disks: DomainDisk[]
  /** What all of its drives are called, those for discs included. */
  targets: string[]
  /** All files and devices of the host that its drives read: also those on which another one stands. */
  paths: string[]
  cards: Card[]
  /** Names of the filters that its cards have. */
  filters: string[]
  /** What is noted of ours, or of another deployment's. */
  note: Note | undefined
}

/** KiB of a unit of memory (https://libvirt.org/formatdomain.html#memory-allocation). */
const KIB = table({
  b: 1 / 1024,
  bytes: 1 / 1024,
  KB: 1000 / 1024,
  k: 1,
  KiB: 1,
  MB: 1000 ** 2 / 1024,
  M: 1024,
  MiB: 1024,
  GB: 1000 ** 3 / 1024,
  G: 1024 ** 2,
  GiB: 1024 ** 2,
  TB: 1000 ** 4 / 1024,
  T: 1024 ** 3,
  TiB: 1024 ** 3,
})

const ramIn = (root: Element): number => {
  const memory = child(root, 'memory')
  return Math.floor((Number(memory?.text ?? 0) * (KIB[memory?.attributes.get('unit') ?? 'KiB'] ?? 1)) / 1024)
}

/** Of CPUs that may be plugged in later, only those that are there count. */
const cpusIn = (root: Element): number => {
  const vcpu = child(root, 'vcpu')
  return Number(vcpu?.attributes.get('current') ?? vcpu?.text ?? 1)
}

const placeOf = (disk: Element): DiskPlace => {
  const source = child(disk, 'source')?.attributes
  const path = source?.get('file') ?? source?.get('dev')
  if (path) return { path }
  const [pool, volume] = [source?.get('pool'), source?.get('volume')]
  return pool && volume ? { pool, volume } : null
}

/** Disks in their order, without drives for discs. The root is the one that says so, or else the first. */
const disksIn = (devices: Element | undefined): DomainDisk[] => {
  const disks = childrenOf(devices, 'disk').filter(({ attributes }) =>
    ['disk', 'lun'].includes(attributes.get('device') ?? 'disk'),
  )
  const turn = (disk: Element) => Number(child(disk, 'boot')?.attributes.get('order') ?? Number.POSITIVE_INFINITY)
  const root = disks.toSorted((a, b) => Math.min(turn(a), 1e9) - Math.min(turn(b), 1e9))[0]
  return disks.map((disk) => ({
    target: child(disk, 'target')?.attributes.get('dev') ?? '',
    place: placeOf(disk),
    format: child(disk, 'driver')?.attributes.get('type') ?? 'raw',
    root: disk === root,
  }))
}

/** Where all data of a drive are, which may be a chain of images. */
const pathsIn = (drive: Element): string[] =>
  drive.children.flatMap((part) => {
    const { attributes } = part
    const path = part.name === 'source' ? (attributes.get('file') ?? attributes.get('dev')) : undefined
    return [...(path === undefined ? [] : [path]), ...pathsIn(part)]
  })

const PLUGS = { network: 'network', bridge: 'bridge', direct: 'dev' } as const

const plugOf = (card: Element): Plug | null => {
  // What runs on a network that is a bridge says so, and of which network it is.
  const network = child(card, 'source')?.attributes.get('network')
  if (network) return { kind: 'network', name: network, vlan: null }
  const kind = card.attributes.get('type') as Plug['kind']
  const name = Object.hasOwn(PLUGS, kind) ? child(card, 'source')?.attributes.get(PLUGS[kind]) : undefined
  if (!name) return null
  const tags = childrenOf(child(card, 'vlan'), 'tag')
  return { kind, name, vlan: tags.length === 1 ? Number(tags[0]!.attributes.get('id')) : null }
}

const cardsIn = (devices: Element | undefined): Card[] =>
  childrenOf(devices, 'interface').flatMap((card) => {
    const mac = child(card, 'mac')?.attributes.get('address')?.toLowerCase()
    return mac ? [{ mac, plug: plugOf(card) }] : []
  })

/** virDomainState, and of a paused one the reasons (virDomainPausedReason) that pass by themselves. */
const RUNNING = [1, 2]
const PAUSED = 3
const PASSING = [2, 3, 4, 8, 9, 11]
const ENDING = 4
const OFF = [5, 6]
const ASLEEP = 7

/** The power that a state stands for. @param saved its memory is kept in a file, to go on from */
export const powerOf = (state: number, reason: number, saved: boolean): Power => {
  if (RUNNING.includes(state)) return 'running'
  if (state === PAUSED) return PASSING.includes(reason) ? 'changing' : 'paused'
  if (state === ENDING) return 'changing'
  if (OFF.includes(state)) return saved ? 'suspended' : 'stopped'
  return state === ASLEEP ? 'suspended' : 'unknown'
}

/** A domain as its XML tells it. */
const readDomain = (xml: string): Omit<Domain, 'ref' | 'power' | 'persistent' | 'note'> => {
  const root = parseXml(xml)
  const devices = child(root, 'devices')
  return {
    cpus: cpusIn(root),
    ramMiB: ramIn(root),
    arch: child(root, 'os', 'type')?.attributes.get('arch') === 'aarch64' ? 'aarch64' : 'x86_64',
    disks: disksIn(devices),
    targets: childrenOf(devices, 'disk').flatMap((disk) => child(disk, 'target')?.attributes.get('dev') ?? []),
    paths: childrenOf(devices, 'disk').flatMap(pathsIn),
    cards: cardsIn(devices),
    filters: childrenOf(devices, 'interface').flatMap(
      (card) => child(card, 'filterref')?.attributes.get('filter') ?? [],
    ),
  }
}

/** Whether another disk has the place of a machine's own by its definition, which is noted before it is so. */
export const isRescued = ({ disks, note }: Pick<Domain, 'disks' | 'note'>): boolean =>
  note?.rescued !== undefined &&
  disks.some(({ place }) => {
    if (place === null || !('volume' in place)) return false
    return place.volume === partName(note.mark, 'rescue', { host: note.host, pool: place.pool })
  })

/** What runs from another disk for a while keeps its own as its root. */
const ownRoot = (disks: DomainDisk[], note: Note | undefined): DomainDisk[] => {
  const own = isRescued({ disks, note }) && disks.find(({ target }) => target === note?.rescued?.target)
  return own ? disks.map((disk) => ({ ...disk, root: disk === own })) : disks
}

/** VIR_DOMAIN_XML_INACTIVE: what is kept of it, and what runs where nothing is. */
const INACTIVE = 2

const look = async (host: Host, domain: DomainRef): Promise<Domain> => {
  const [{ xml }, kept, { state, reason }, { persistent }, saved] = await Promise.all([
    host.call(DOMAIN_XML, { domain, flags: 0 }),
    host.call(DOMAIN_XML, { domain, flags: INACTIVE }),
    host.call(DOMAIN_STATE, { domain, flags: 0 }),
    host.call(IS_PERSISTENT, { domain }),
    domain.id < 0 ? host.call(HAS_SAVED, { domain, flags: 0 }) : { result: 0 },
  ])
  const { disks, ...rest } = readDomain(xml)
  const note = readNote(parseXml(kept.xml), host.name)
  return {
    ...rest,
    disks: ownRoot(disks, note),
    // What wakes up has the metadata with which it fell asleep; what was noted meanwhile is kept beside it.
    note,
    ref: domain,
    power: powerOf(state, reason, saved.result === 1),
    persistent: persistent === 1,
  }
}

/** Every domain of a host, whoever made it. */
export const domainsOn = async (host: Host): Promise<Domain[]> => {
  const { items } = await host.call(LIST_DOMAINS, { wanted: 1, flags: 0 })
  const found = await fewAtATime(items, (ref) => orNull(look(host, ref)))
  return found.filter((domain) => domain !== null)
}

/** One domain by its UUID; null if there is none. */
export const domainOf = async (host: Host, uuid: string): Promise<Domain | null> => {
  const found = isUuid(uuid) ? await orNull(host.call(FIND_DOMAIN, { uuid })) : null
  return found && orNull(look(host, found.domain))
}
