import type { AskedOption, Json } from '../contract.ts'
import { parseCidr } from '../shared/cidr.ts'
import { FAULTS, type FaultRule, SHORTAGE_NAMES } from './faults.ts'

export interface ZoneSetting {
  name: string
  vcpus: number
  ram_mib: number
  disk_gib: number
  /** False: nothing new starts there. */
  available?: boolean
}
export interface SizeSetting {
  name: string
  vcpus: number
  ram_mib: number
  disk_gib: number
  arch?: 'x86_64' | 'aarch64'
  gpus?: number
  /** Absent: every zone. */
  zones?: string[]
  /** Per hour, in USD. */
  price?: number
  /** Per hour, in USD, of what is stopped; absent: the same. */
  idle_price?: number
  /** Per hour, in USD, of what may be taken back; absent: it is not sold so. */
  spot_price?: number
}
export interface ImageSetting {
  name: string
  arch?: 'x86_64' | 'aarch64'
  min_disk_gib?: number
  size_bytes?: number
  os?: 'linux' | 'windows'
  description?: string
}

/** `connection.options` of an embedded cloud, with everything that was left out filled in. */
export interface Settings {
  zones: ZoneSetting[]
  sizes: SizeSetting[]
  images: ImageSetting[]
  volume_types: string[]
  /** Per hour, in USD, of a GiB of a volume, and of a public address; 0: it does not say. */
  disk_price: number
  address_price: number
  /** Where floating IPs come from. */
  external_cidr: string
  /** How a repeated create finds its object: see `Realm.once`. */
  profile: 'token' | 'unique' | 'none'
  faults: FaultRule[]
  /** How many calls the log keeps; 0: none. */
  log_calls: number
  page_size: number
  latency_ms: number
  /** How long a fresh object stays hidden from `find` and `list`. */
  visibility_delay_ms: number
  /** How long a removed server is still shown as gone. */
  tombstone_ms: number
  clock_skew_ms: number
  build_ms: number
  boot_ms: number
  stop_ms: number
  resize_ms: number
  delete_ms: number
  volume_ms: number
  snapshot_ms: number
  image_ms: number
  attach_ms: number
  network_ms: number
}

const DEFAULTS: Settings = {
  zones: [
    { name: 'a', vcpus: 64, ram_mib: 262_144, disk_gib: 4_000 },
    { name: 'b', vcpus: 32, ram_mib: 131_072, disk_gib: 2_000 },
  ],
  sizes: [
    { name: 'sb.nano', vcpus: 1, ram_mib: 512, disk_gib: 1, price: 0.004, spot_price: 0.001 },
    { name: 'sb.small', vcpus: 1, ram_mib: 2_048, disk_gib: 10, price: 0.012, spot_price: 0.003 },
    { name: 'sb.medium', vcpus: 2, ram_mib: 4_096, disk_gib: 20, price: 0.024, spot_price: 0.006 },
    { name: 'sb.large', vcpus: 4, ram_mib: 8_192, disk_gib: 40, price: 0.048, spot_price: 0.012 },
    { name: 'sb.xlarge', vcpus: 8, ram_mib: 16_384, disk_gib: 80, price: 0.096, spot_price: 0.024 },
    { name: 'sb.arm.small', vcpus: 1, ram_mib: 2_048, disk_gib: 10, arch: 'aarch64', price: 0.01 },
    { name: 'sb.arm.medium', vcpus: 2, ram_mib: 4_096, disk_gib: 20, arch: 'aarch64', price: 0.02 },
  ],
  images: [
    { name: 'sandbox-linux', min_disk_gib: 1, size_bytes: 21_692_416, description: 'A small Linux with cloud-init' },
    { name: 'sandbox-linux-minimal', min_disk_gib: 1, size_bytes: 12_582_912, description: 'A smaller Linux' },
    { name: 'sandbox-linux-arm', arch: 'aarch64', min_disk_gib: 1, size_bytes: 20_971_520, description: 'For ARM' },
  ],
  volume_types: ['standard', 'fast'],
  disk_price: 0,
  address_price: 0,
  external_cidr: '203.0.113.0/24',
  profile: 'token',
  faults: [],
  log_calls: 200,
  page_size: 100,
  latency_ms: 0,
  visibility_delay_ms: 0,
  tombstone_ms: 0,
  clock_skew_ms: 0,
  build_ms: 1_500,
  boot_ms: 1_000,
  stop_ms: 1_000,
  resize_ms: 1_000,
  delete_ms: 1_000,
  volume_ms: 1_000,
  snapshot_ms: 1_500,
  image_ms: 2_000,
  attach_ms: 500,
  network_ms: 0,
}

/** What may be set, as it is told to whoever registers an embedded cloud. */
export const askedOptions: AskedOption[] = Object.entries(DEFAULTS).map(([name, usual]) => ({
  name,
  usual: usual as Json,
  want: Array.isArray(usual) ? 'a list' : typeof usual === 'number' ? 'a number' : 'a text',
  required: false,
}))

/** The options over their defaults. They were validated when the cloud was registered. */
export const settingsOf = (options: Record<string, Json>): Settings => ({
  ...DEFAULTS,
  ...(options as unknown as Partial<Settings>),
})

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What is wrong with a list of records: every one has a unique name and positive numbers. */
const listFaults = (key: string, value: unknown, numbers: string[]): string[] => {
  if (!Array.isArray(value) || value.length === 0) return [`Option ${key} must be a list with at least one entry.`]
  const names = value.map((each) => (isRecord(each) ? each.name : undefined))
  const faults = names.every((name) => typeof name === 'string' && /^[\w.-]+$/.test(name))
    ? []
    : [`Every entry of option ${key} needs a name of letters, digits, dots and dashes.`]
  if (new Set(names).size !== names.length) faults.push(`Names in option ${key} must differ.`)
  for (const name of numbers) {
    const good = value.every((each) => isRecord(each) && typeof each[name] === 'number' && (each[name] as number) >= 0)
    if (!good) faults.push(`Every entry of option ${key} needs ${name}, a number from 0.`)
  }
  return faults
}

const priceFaults = (sizes: unknown): string[] =>
  ['price', 'spot_price', 'idle_price'].flatMap((name) =>
    Array.isArray(sizes) &&
    sizes.some((each) => isRecord(each) && Object.hasOwn(each, name) && !isPrice(name, Number(each[name])))
      ? [`Where an entry of option sizes has ${name}, that is a number ${name === 'idle_price' ? 'from' : 'above'} 0.`]
      : [],
  )

const isPrice = (name: string, said: number): boolean => said > 0 || (name === 'idle_price' && said === 0)

const ruleFaults = (value: unknown): string[] => {
  if (!Array.isArray(value)) return ['Option faults must be a list of rules.']
  return value.flatMap((rule) => {
    if (!isRecord(rule) || typeof rule.method !== 'string')
      return ['Every fault rule needs a method, e.g. server.create.']
    if (!FAULTS.includes(rule.fault as never))
      return [`Unknown fault ${String(rule.fault)}; known: ${FAULTS.join(', ')}.`]
    if ([rule.zone, rule.size].some((name) => name !== undefined && typeof name !== 'string'))
      return ['Fault rule: zone and size must be names.']
    if (rule.shortage !== undefined && !SHORTAGE_NAMES.includes(rule.shortage as string))
      return [`Unknown shortage ${String(rule.shortage)}; known: ${SHORTAGE_NAMES.join(', ')}.`]
    const numbers = ['probability', 'count', 'after', 'seed', 'delay_ms', 'retry_after_ms'].filter((key) =>
      Object.hasOwn(rule, key),
    )
    return numbers.flatMap((key) =>
      typeof rule[key] === 'number' && (rule[key] as number) >= 0
        ? []
        : [`Fault rule: ${key} must be a number from 0.`],
    )
  })
}

/** What is wrong with the options, as sentences. */
export const optionFaults = (options: Record<string, Json>): string[] =>
  Object.entries(options).flatMap(([key, value]) => {
    if (!Object.hasOwn(DEFAULTS, key)) return [`Unknown option ${key}.`]
    if (key === 'zones') return listFaults(key, value, ['vcpus', 'ram_mib', 'disk_gib'])
    if (key === 'sizes') return [...listFaults(key, value, ['vcpus', 'ram_mib', 'disk_gib']), ...priceFaults(value)]
    if (key === 'images') return listFaults(key, value, [])
    if (key === 'faults') return ruleFaults(value)
    if (key === 'volume_types') {
      const named = (each: Json) => typeof each === 'string' && each !== '' && each !== 'default'
      const good = Array.isArray(value) && value.length > 0 && value.every(named)
      return good ? [] : ['Option volume_types must be a list of names other than default.']
    }
    if (key === 'profile') {
      return ['token', 'unique', 'none'].includes(value as string) ? [] : ['Option profile is token, unique or none.']
    }
    if (key === 'external_cidr') {
      const block = typeof value === 'string' ? parseCidr(value) : null
      const good = block?.family === 4 && block.prefix <= 29
      return good ? [] : ['Option external_cidr must be an IPv4 network of 8 addresses or more, e.g. 203.0.113.0/24.']
    }
    if (key === 'page_size' && value === 0) return ['Option page_size must be at least 1.']
    const signed = key === 'clock_skew_ms'
    const good = typeof value === 'number' && Number.isFinite(value) && (signed || value >= 0)
    return good ? [] : [`Option ${key} must be a number${signed ? '' : ' from 0'}.`]
  })
