import type { AskedOption, Connection, HostKey, Json } from '../contract.ts'
import { isCurrency, isTable, isText, optionReader } from '../shared/options.ts'
import { isCount, type SoldSize } from '../shared/sizes.ts'
import { readHostKey } from './wire/host-key.ts'
import { isLoopback, readUri, type Way } from './wire/uri.ts'

/** A machine that runs libvirt. */
export interface HostOption {
  name: string
  zone: string
  way: Way
  /** It takes no new servers. */
  maintenance: boolean
}
/** How much may be promised of what a host has, by its kind: 1 is as much as there is. */
interface Overcommit {
  vcpus: number
  ram: number
}
/** A way out of networks that are made here: by the host's own address, or none. */
const FORWARDS = ['none', 'nat'] as const
export type Forward = (typeof FORWARDS)[number]

/** A bridge that is there on each host, on which administrators may make networks. */
export interface BridgeOption {
  /** How networks name it. */
  name: string
  /** As the host calls it, or one of each VLAN with `{vlan}` in its name. */
  bridge: string
  openvswitch: boolean
  /** What of VLANs may be asked for, both ends included; null: what goes without a tag alone. */
  vlans: [number, number] | null
}

/** What an operator may set on a registered cloud of type `libvirt`. README.md explains each. */
export interface Options {
  hosts: HostOption[]
  sizes: SoldSize[]
  currency: string
  /** Where volumes are made, on each host; null: in the only pool. */
  pool: string | null
  /** The way out of networks that are made here. */
  forward: Forward
  bridges: BridgeOption[]
  /** Where images are, on each host; null: where volumes are. */
  imagePool: string | null
  overcommit: Overcommit
  /** What each host keeps for itself. */
  reservedRamMiB: number
  /** How long a guest may take to shut down before its power is cut. */
  shutdownMs: number
  settleMs: number
}

/** Part of every native id, with a slash behind it. */
const HOST_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/i

/** As many as an SSH server has of all types, twice, for one that gets new ones. */
const MOST_HOST_KEYS = 8

/** The keys of a host, one or a list. @returns why they are none, as the end of a sentence */
const readHostKeys = (given: Json | undefined): HostKey[] | string => {
  const all = given === undefined ? [] : Array.isArray(given) ? given : [given]
  if (all.length > MOST_HOST_KEYS) return `lists more than ${MOST_HOST_KEYS} keys`
  const read = all.map((each) => (isText(each) ? readHostKey(each) : 'is not a text'))
  return read.find((each) => typeof each === 'string') ?? read.filter((each) => typeof each !== 'string')
}

const readHost = (given: Json, plainTcp: boolean, faults: string[]): HostOption | null => {
  const host = isTable(given) ? given : {}
  const { name, uri, zone = name, maintenance = false, host_key: hostKey, ...others } = host
  const other = Object.keys(others)[0]
  if (!isText(name) || !HOST_NAME.test(name)) {
    faults.push('Each of the hosts needs a name of letters, digits, dots, dashes and underscores.')
    return null
  }
  const hostKeys = readHostKeys(hostKey)
  const way = isText(uri) ? readUri(uri, typeof hostKeys === 'string' ? [] : hostKeys) : 'is missing'
  if (typeof way === 'string') faults.push(`The uri of host ${name} ${way}.`)
  else if (!isText(zone) || !HOST_NAME.test(zone)) faults.push(`The zone of host ${name} must be a name.`)
  else if (typeof maintenance !== 'boolean') faults.push(`Maintenance of host ${name} must be true or false.`)
  else if (typeof hostKeys === 'string') faults.push(`The host_key of host ${name} ${hostKeys}.`)
  else if (hostKeys.length && way.to.kind !== 'ssh')
    faults.push(`Host ${name} is not reached by SSH, so it has no host_key.`)
  else if (other !== undefined) faults.push(`Host ${name} has no field ${other}.`)
  else if (way.to.kind === 'tcp' && !(plainTcp && isLoopback(way)))
    faults.push(
      `Host ${name} would be spoken to in the clear: qemu+tcp is for the loopback alone, and only with option plain_tcp.`,
    )
  else return { name, zone, way, maintenance }
  return null
}

const readSize = (given: Json, faults: string[]): SoldSize | null => {
  const size = isTable(given) ? given : {}
  const { name, vcpus, ram_mib: ramMiB, disk_gib: diskGiB = 0, arch = 'x86_64', price = null } = size
  if (!isText(name)) faults.push('Each of the sizes needs a name.')
  else if (!isCount(vcpus, 1) || !isCount(ramMiB, 1) || !isCount(diskGiB, 0))
    faults.push(`Size ${name} needs vcpus, ram_mib and, if any, disk_gib as whole numbers.`)
  else if (arch !== 'x86_64' && arch !== 'aarch64') faults.push(`Size ${name} has an unknown arch.`)
  else if (price !== null && !(typeof price === 'number' && price > 0))
    faults.push(`The price of size ${name} must be positive.`)
  else return { name, vcpus, ramMiB, diskGiB, arch, price: price as number | null }
  return null
}

/** 15 characters are all that Linux gives an interface. */
const BRIDGE = /^[a-z0-9_][a-z0-9_.-]{0,14}$/i
const OF_VLAN = '{vlan}'
/** The longest number of a VLAN stands for all. */
const MOST_VLAN = 4094

/** `100-199`, or one number. @returns null: it is neither */
const readVlans = (given: Json): [number, number] | null => {
  const found = isText(given) ? /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(given) : null
  const [low, high] = [Number(found?.[1]), Number(found?.[2] ?? found?.[1])]
  return low >= 1 && low <= high && high <= MOST_VLAN ? [low, high] : null
}

const readBridge = (given: Json, faults: string[]): BridgeOption | null => {
  const { name, bridge, kind = 'linux', vlans = null, ...others } = isTable(given) ? given : {}
  const other = Object.keys(others)[0]
  const range = vlans === null ? null : readVlans(vlans)
  const ofVlan = isText(bridge) && bridge.includes(OF_VLAN)
  if (!isText(name) || !HOST_NAME.test(name))
    faults.push('Each of the bridges needs a name of letters, digits, dots, dashes and underscores.')
  else if (!isText(bridge) || !BRIDGE.test(bridge.replace(OF_VLAN, String(MOST_VLAN))))
    faults.push(`The bridge of ${name} must be the name of an interface.`)
  else if (kind !== 'linux' && kind !== 'openvswitch')
    faults.push(`The kind of bridge ${name} is linux or openvswitch.`)
  else if (vlans !== null && !range) faults.push(`The vlans of bridge ${name} must be a range as 100-199.`)
  else if (other !== undefined) faults.push(`Bridge ${name} has no field ${other}.`)
  else if (ofVlan && (kind !== 'linux' || !range))
    faults.push(`Bridge ${name} has one bridge of Linux for each VLAN, so its kind is linux, and it has vlans.`)
  else if (kind === 'linux' && range && !ofVlan)
    faults.push(
      `A bridge of Linux tags nothing: the one of ${name} has {vlan} in its name where there is one for each.`,
    )
  else return { name, bridge, openvswitch: kind === 'openvswitch', vlans: range }
  return null
}

/** As Nova has them where nothing else is said. */
const USUAL: Overcommit = { vcpus: 4, ram: 1 }
const isOvercommit = (value: Json): boolean =>
  isTable(value) &&
  Object.entries(value).every(
    ([key, ratio]) => Object.hasOwn(USUAL, key) && typeof ratio === 'number' && ratio > 0 && ratio <= 64,
  )

const MOST_HOSTS = 64
const MOST_BRIDGES = 64

/** The entries of a list, read one by one, whose names differ. */
const named = <T extends { name: string }>(
  given: Json | undefined,
  what: string,
  faults: string[],
  read: (each: Json) => T | null,
): T[] => {
  const found = Array.isArray(given) ? given.flatMap((each) => read(each) ?? []) : []
  if (new Set(found.map(({ name }) => name)).size < found.length) faults.push(`The names of the ${what} must differ.`)
  return found
}

/**
 * Reads the operator's options.
 * @returns the options with defaults in place, and the faults as sentences
 */
export const readOptions = (
  given: Record<string, Json>,
): { options: Options; faults: string[]; asked: AskedOption[] } => {
  const faults: string[] = []
  const read = optionReader(given, faults)
  const seconds = (key: string, fallback: number) =>
    1000 * read(key, fallback, (value) => typeof value === 'number' && value >= 0, 'a number of seconds')
  const plainTcp = read('plain_tcp', false, (value) => typeof value === 'boolean', 'true or false')
  if (!Array.isArray(given.hosts) || given.hosts.length === 0 || given.hosts.length > MOST_HOSTS)
    faults.push(`Option hosts must list the machines that the cloud is, ${MOST_HOSTS} at most.`)
  const { bridges = [] } = given
  if (!Array.isArray(bridges) || bridges.length > MOST_BRIDGES)
    faults.push(`Option bridges must list bridges of the hosts, ${MOST_BRIDGES} at most.`)
  const options: Options = {
    hosts: named(given.hosts, 'hosts', faults, (each) => readHost(each, plainTcp, faults)),
    sizes: named(given.sizes, 'sizes', faults, (each) => readSize(each, faults)),
    bridges: named(bridges, 'bridges', faults, (each) => readBridge(each, faults)),
    pool: read<string | null>('pool', null, isText, 'the name of a pool'),
    forward: read<Forward>('forward', 'none', (value) => FORWARDS.some((each) => each === value), 'none or nat'),
    imagePool: read<string | null>('image_pool', null, isText, 'the name of a pool'),
    overcommit: { ...USUAL, ...read('overcommit', USUAL, isOvercommit, 'a table of ratios: vcpus, ram') },
    reservedRamMiB: read('reserved_ram_mib', 512, (value) => isCount(value, 0), 'a number of MiB'),
    currency: read('currency', 'USD', isCurrency, 'a currency code of three letters'),
    shutdownMs: seconds('shutdown_seconds', 60),
    settleMs: seconds('settle_seconds', 0),
  }
  if (!Array.isArray(given.sizes) || given.sizes.length === 0)
    faults.push('Option sizes must list what is offered, since libvirt has no sizes of its own.')
  read.refuseOthers(['hosts', 'sizes', 'bridges'])
  return { options, faults, asked: read.asked }
}

/** Fails closed: there is nothing that a mapping could say yet. */
export const readMapping = (mapping: Connection['mapping']): Record<never, never> | { fault: string } => {
  const [field] = Object.keys(mapping)
  return field === undefined ? {} : { fault: `The mapping has no field ${field}.` }
}
