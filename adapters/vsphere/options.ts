import type { AskedOption, Connection, Json } from '../contract.ts'
import { parseCidr } from '../shared/cidr.ts'
import { isCurrency, isTable, isText, optionReader } from '../shared/options.ts'
import { isCount, type SoldSize } from '../shared/sizes.ts'

/** A size, and where it is sold. */
interface SizeOption extends SoldSize {
  /** Null: every zone. */
  zones: string[] | null
}

/** What an operator may set on a registered cloud of type `vsphere`. README.md explains each. */
export interface Options {
  /** Null: the only one there is. */
  datacenter: string | null
  /** Clusters that are zones; null: all. */
  clusters: string[] | null
  folder: string | null
  templates: string | null
  datastore: string | null
  /** Id of a storage policy, for servers and volumes. */
  storagePolicy: string | null
  /** Volume types: name -> id of a storage policy. */
  volumeTypes: Record<string, string>
  sizes: SizeOption[]
  currency: string
  /** The distributed switch on which networks are made, and the VLANs for them, both ends included. */
  switch: { name: string; vlans: [number, number] } | null
  /** An existing port group that every project's networks are. */
  network: string | null
  /** What port groups hold, by their names or ids, as CIDRs: vSphere does not know. */
  ranges: Record<string, string[]>
  /** How a guest gets what is on its config drive: a disc in a drive, or settings of the machine that VMware Tools read. */
  configDrive: 'disc' | 'guestinfo'
  /** New servers get a serial port that writes to a file. */
  serialLog: boolean
  /** How long a guest may take to shut down before its power is cut. */
  shutdownMs: number
  settleMs: number
}

/** The project's tenant mapping; what it leaves out is the operator's option. */
export interface Mapping {
  folder: string | null
  resourcePool: string | null
  datastore: string | null
  storagePolicy: string | null
  network: string | null
}

const isTexts = (value: Json | undefined): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every(isText)
const isRanges = (value: Json): boolean =>
  isTable(value) &&
  Object.values(value).every((ranges) => isTexts(ranges) && ranges.every((cidr) => parseCidr(cidr) !== null))

const readSize = (given: Json, faults: string[]): SizeOption | null => {
  const size = isTable(given) ? given : {}
  const { name, vcpus, ram_mib: ramMiB, disk_gib: diskGiB = 0, arch = 'x86_64', zones = null, price = null } = size
  if (!isText(name)) faults.push('Each of the sizes needs a name.')
  else if (!isCount(vcpus, 1) || !isCount(ramMiB, 4) || Number(ramMiB) % 4 !== 0 || !isCount(diskGiB, 0))
    faults.push(`Size ${name} needs vcpus, ram_mib (a multiple of 4) and, if any, disk_gib as numbers.`)
  else if (arch !== 'x86_64' && arch !== 'aarch64') faults.push(`Size ${name} has an unknown arch.`)
  else if (zones !== null && !isTexts(zones)) faults.push(`The zones of size ${name} must be a list of names.`)
  else if (price !== null && !(typeof price === 'number' && price > 0))
    faults.push(`The price of size ${name} must be positive.`)
  else return { name, vcpus, ramMiB, diskGiB, arch, zones, price: price as number | null }
  return null
}

const readSwitch = (given: Json | undefined, faults: string[]): Options['switch'] => {
  if (given === undefined || given === null) return null
  const { name, vlans } = isTable(given) ? given : {}
  const [, first, last] = /^(\d{1,4})-(\d{1,4})$/.exec(isText(vlans) ? vlans : '') ?? []
  if (isText(name) && first && last && 1 <= Number(first) && Number(first) <= Number(last) && Number(last) <= 4094)
    return { name, vlans: [Number(first), Number(last)] }
  faults.push('Option switch must be an object of name and vlans, e.g. {"name": "dvs", "vlans": "100-199"}.')
  return null
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
  const name = (key: string) => read<string | null>(key, null, isText, 'a name')
  const seconds = (key: string, fallback: number) =>
    1000 * read(key, fallback, (value) => typeof value === 'number' && value >= 0, 'a number of seconds')
  const sizes = Array.isArray(given.sizes) ? given.sizes.flatMap((each) => readSize(each, faults) ?? []) : []
  if (!Array.isArray(given.sizes) || given.sizes.length === 0)
    faults.push('Option sizes must list what is offered, since vSphere has no sizes of its own.')
  if (new Set(sizes.map((size) => size.name)).size < sizes.length) faults.push('The names of the sizes must differ.')
  const isPolicies = (value: Json) =>
    isTable(value) && Object.entries(value).every(([type, id]) => isText(type) && type !== 'default' && isText(id))
  const options: Options = {
    datacenter: name('datacenter'),
    clusters: read<string[] | null>('clusters', null, isTexts, 'a list of names'),
    folder: name('folder'),
    templates: name('templates'),
    datastore: name('datastore'),
    storagePolicy: name('storage_policy'),
    volumeTypes: read(
      'volume_types',
      {},
      isPolicies,
      'an object of names, other than default, and ids of storage policies',
    ),
    sizes,
    currency: read('currency', 'USD', isCurrency, 'a currency code of three letters'),
    switch: readSwitch(given.switch, faults),
    network: name('network'),
    ranges: read('ranges', {}, isRanges, 'an object of names or ids of port groups, and lists of CIDRs'),
    configDrive: read(
      'config_drive',
      'disc',
      (value) => value === 'disc' || value === 'guestinfo',
      'disc or guestinfo',
    ),
    serialLog: read('serial_log', false, (value) => typeof value === 'boolean', 'true or false'),
    shutdownMs: seconds('shutdown_seconds', 60),
    settleMs: seconds('settle_seconds', 30),
  }
  if (options.switch && options.network)
    faults.push('Option switch makes networks and option network lends one; only one of them can be set.')
  read.refuseOthers(['sizes', 'switch'])
  return { options, faults, asked: read.asked }
}

const MAPPED = ['folder', 'resource_pool', 'datastore', 'storage_policy', 'network']

/** Fails closed: what is there has to be a name, and nothing else may be there. */
export const readMapping = (mapping: Connection['mapping']): Mapping | { fault: string } => {
  for (const [key, value] of Object.entries(mapping)) {
    if (!MAPPED.includes(key)) return { fault: `The mapping has no field ${key}.` }
    if (!isText(value)) return { fault: `${key} of the mapping must be a name.` }
  }
  const [folder, resourcePool, datastore, storagePolicy, network] = MAPPED.map((key) =>
    isText(mapping[key]) ? mapping[key] : null,
  ) as [string | null, string | null, string | null, string | null, string | null]
  return { folder, resourcePool, datastore, storagePolicy, network }
}
