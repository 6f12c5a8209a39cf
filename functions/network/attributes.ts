import * as z from 'zod'
import type { AddressPair } from '../../db/queries/network/ports.ts'
import { readCidr, readIp, readMac, writeCidr, writeIp } from '../broker/network/address.ts'
import { MOST_PAIRS } from '../broker/network/address-pairs.ts'
import { type DhcpOptionWish, MOST_OPTIONS } from '../broker/network/dhcp-options.ts'
import { MOST_PREFIXES, tooManyPrefixes } from '../broker/network/pools/pool-rules.ts'
import { badRequest } from '../http/fault.ts'
import * as json from '../http/json-schema.ts'

/** Why a value will not do; the sentence around it is `Invalid input for <attribute>. Reason: <reason>.` */
class Unfit extends Error {
  /** A converter says so and no validator, which words it in another way (neutron_lib/api/converters.py). */
  readonly converting: boolean

  constructor(reason: string, converting = false) {
    super(reason)
    this.converting = converting
  }
}
const unfit = (reason: string): never => {
  throw new Unfit(reason)
}
const inconvertible = (reason: string): never => {
  throw new Unfit(reason, true)
}

/** A value as Python prints it, which is how Neutron quotes it. */
export const python = (value: unknown): string => {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return `[${value.map(quoted).join(', ')}]`
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, each]) => `'${key}': ${quoted(each)}`)
      .join(', ')}}`
  return String(value).slice(0, 255)
}
const quoted = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : python(value))

/** One attribute of a body: `read` gives what is meant of what `schema` tells, or says why not. Absent is an issue of its own. */
const attribute = <T>(schema: json.JsonSchema, read: (value: unknown) => T): z.ZodType<T> => {
  const attribute = z.unknown().transform((value, context) => {
    if (value === undefined) {
      context.addIssue({ code: 'custom', message: 'required', params: { required: true } })
      return z.NEVER
    }
    try {
      return read(value)
    } catch (error) {
      if (!(error instanceof Unfit)) throw error
      context.addIssue({ code: 'custom', message: error.message, params: { converting: error.converting } })
      return z.NEVER
    }
  })
  return json.takes(attribute, () => schema) as unknown as z.ZodType<T>
}

const asText = (value: unknown, most: number): string => {
  if (typeof value !== 'string') return unfit(`'${python(value)}' is not a valid string`)
  if (value.length > most) return unfit(`'${python(value)}' exceeds maximum length of ${most}`)
  return value
}
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
export const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value)
const asUuid = (value: unknown): string => (isUuid(value) ? value : unfit(`'${python(value)}' is not a valid UUID`))
/** As netaddr prints it, so that what comes back is what every other look tells. */
const asIp = (value: unknown): string => {
  const ip = typeof value === 'string' ? readIp(value) : null
  return ip ? writeIp(ip) : unfit(`'${python(value)}' is not a valid IP address`)
}
const asList = <T>(value: unknown, item: (value: unknown) => T): T[] =>
  Array.isArray(value) ? value.map(item) : unfit(`'${python(value)}' is not a list`)

const asFlag = (value: unknown): boolean => {
  const word = typeof value === 'string' ? value.toLowerCase() : value
  if (word === true || word === 'true' || word === '1' || word === 1) return true
  if (word === false || word === 'false' || word === '0' || word === 0) return false
  return inconvertible(`'${python(value)}' cannot be converted to boolean`)
}

const asCidr = (value: unknown): string => {
  const block = typeof value === 'string' ? readCidr(value) : null
  if (!block) return unfit(`'${python(value)}' is not a valid IP subnet`)
  const clean = writeCidr(block)
  // Another spelling of the same IPv6 block is fine; bits beyond the prefix are not.
  const address = readIp(String(value).split('/')[0]!)
  if (address?.value !== block.first)
    return unfit(`'${value}' isn't a recognized IP subnet cidr, '${clean}' is recommended`)
  return clean
}

const asObject = <K extends string>(
  value: unknown,
  keys: Record<K, (value: unknown) => unknown>,
): Record<K, string> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return unfit(`'${python(value)}' is not a dictionary`)
  const given = value as Record<string, unknown>
  const extra = Object.keys(given).find((key) => !Object.hasOwn(keys, key))
  const missing = Object.keys(keys).find((key) => given[key] === undefined)
  if (extra !== undefined || missing !== undefined)
    return unfit(`Invalid data format: '${python(value)}' has to have exactly the keys ${Object.keys(keys).join(', ')}`)
  return Object.fromEntries(
    Object.entries<(value: unknown) => unknown>(keys).map(([key, read]) => [key, read(given[key])]),
  ) as Record<K, string>
}

const orNull =
  <T>(read: (value: unknown) => T) =>
  (value: unknown): T | null =>
    value === null ? null : read(value)

export const text = (most = 255) => attribute(json.STRING(most), (value) => asText(value, most))
/** Null is the empty text, as Neutron's `convert_none_to_empty_…` has it. */
export const textOrNone = (most = 255) =>
  attribute(json.orNothing(json.STRING(most)), (value) => (value === null ? '' : asText(value, most)))
export const textOrNull = (most = 255) =>
  attribute(json.orNothing(json.STRING(most)), (value) => (value === null ? null : asText(value, most)))
/** A name that has to be one (neutron_lib/api/validators, `validate_not_empty_string`). */
export const filledText = (most = 255) =>
  attribute({ ...json.STRING(most), minLength: 1, pattern: '\\S' }, (value) => {
    const words = asText(value, most)
    return words.trim() ? words : unfit(`'${words}' Blank strings are not permitted`)
  })
/** The most that fits a column of Neutron's (neutron_lib/db/constants.py, `DB_INTEGER_MAX_VALUE`). */
const MOST = 2 ** 31 - 1
/** A whole number from 0 up to what a column holds (neutron_lib/api/validators, `validate_range`). */
export const range = () =>
  attribute({ type: ['integer', 'string'], minimum: 0, maximum: MOST }, (value) => {
    const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value
    if (typeof number !== 'number' || !Number.isInteger(number)) return unfit(`'${python(value)}' is not an integer`)
    if (number < 0) return unfit(`'${number}' is too small - must be at least '0'`)
    return number > MOST ? unfit(`'${number}' is too large - must be no larger than '${MOST}'`) : number
  })
/** A whole number of 0 or more, that may come as text. */
const asCount = (value: unknown): number => {
  const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number))
    return inconvertible(`'${python(value)}' is not an integer`)
  return number < 0 ? unfit(`'${python(value)}' should be non-negative`) : number
}
export const count = () => attribute(json.COUNT, asCount)
export const countOrNull = () => attribute(json.orNothing(json.COUNT), orNull(asCount))
export const flag = () => attribute(json.BOOLEAN, asFlag)
export const flagOrNull = () => attribute(json.orNothing(json.BOOLEAN), orNull(asFlag))
export const uuid = () => attribute(json.ID, asUuid)
export const uuidOrNull = () => attribute(json.orNothing(json.ID), orNull(asUuid))
export const uuids = () =>
  attribute(json.orNothing(json.listOf(json.ID)), (value) => {
    const ids = value === null ? [] : asList(value, asUuid)
    const twice = ids.filter((id, i) => ids.indexOf(id) !== i)
    return twice.length ? unfit(`Duplicate items in the list: '${[...new Set(twice)].join(', ')}'`) : ids
  })
export const ip = () => attribute(json.ADDRESS, asIp)
export const ipOrNull = () => attribute(json.orNothing(json.ADDRESS), orNull(asIp))
/** Name servers stay as they were written: Neutron keeps them as text. */
export const nameservers = () =>
  attribute(json.orNothing(json.listOf(json.ADDRESS)), (value) => {
    const servers =
      value === null
        ? []
        : asList(value, (each) => {
            asIp(each)
            return String(each)
          })
    const twice = servers.find((each, i) => servers.indexOf(each) !== i)
    return twice === undefined ? servers : unfit(`Duplicate nameserver '${twice}'`)
  })
/** Bits beyond the prefix are let go (neutron/db/db_base_plugin_v2.py, `_create_subnet_precommit`). */
export const cidr = () =>
  attribute(json.CIDR, (value) => {
    const block = typeof value === 'string' ? readCidr(value) : null
    return block ? writeCidr(block) : inconvertible(`${python(value)} is not in a CIDR format`)
  })
/** Bits beyond a prefix are let go (neutron_lib/api/validators, `validate_subnet_list`). */
export const cidrs = () =>
  attribute(json.listOf(json.CIDR), (value) => {
    const blocks = asList(value, (each) => {
      const block = typeof each === 'string' ? readCidr(each) : null
      return block ? { each, cidr: writeCidr(block) } : unfit(`'${python(each)}' is not a valid IP subnet`)
    })
    if (blocks.length > MOST_PREFIXES) return unfit(tooManyPrefixes(blocks.length))
    const seen = new Set<unknown>()
    const twice = blocks.filter(({ each }) => seen.size === seen.add(each).size)
    if (twice.length) return unfit(`Duplicate items in the list: '${twice.map(({ each }) => each).join(', ')}'`)
    return blocks.map(({ cidr }) => cidr)
  })
const asMac = (value: unknown): string =>
  (typeof value === 'string' ? readMac(value) : null) ?? unfit(`'${python(value)}' is not a valid MAC address`)
export const mac = () => attribute(json.MAC, asMac)
export const pools = () =>
  attribute(json.listOf(json.objectOf({ start: json.ADDRESS, end: json.ADDRESS })), (value) =>
    asList(value, (each) => asObject(each, { start: asIp, end: asIp })),
  )
export const routes = () =>
  attribute(json.orNothing(json.listOf(json.objectOf({ destination: json.CIDR, nexthop: json.ADDRESS }))), (value) =>
    value === null ? [] : asList(value, (each) => asObject(each, { destination: asCidr, nexthop: asIp })),
  )
/** What may own a device (neutron_lib/constants.py, `DEVICE_OWNER_PREFIXES`), and so has a subnet for itself. */
const OWNERS = ['network:', 'neutron:']
/** Neutron adds `compute:` letter by letter, so that what begins with one of these does as well. */
const LETTERS = 'compute:'
const MOST_OWNERS = 32
/** neutron_lib/api/validators, `validate_subnet_service_types`; what is there twice is there once. */
export const serviceTypes = () =>
  attribute(
    json.orNothing({
      ...json.listOf({ ...json.STRING(255), pattern: '^(network:|neutron:|[compute:])' }),
      maxItems: MOST_OWNERS,
    }),
    (value): string[] => {
      if (value === null) return []
      if (!Array.isArray(value)) throw badRequest('Subnet service types must be a list.')
      if (value.length > MOST_OWNERS) return unfit(`there are ${MOST_OWNERS} service types of a subnet at most`)
      for (const each of value) {
        const shown = python(each)
        if (typeof each !== 'string')
          throw badRequest(`Subnet service type ${shown} is not a string.`, 'InvalidInputSubnetServiceType')
        if (![...OWNERS, ...LETTERS].some((prefix) => each.startsWith(prefix)) || each.length > 255)
          throw badRequest(
            `Subnet service type ${shown} does not correspond to a valid device owner.`,
            'InvalidSubnetServiceType',
          )
      }
      return [...new Set<string>(value)]
    },
  )

/** Names of zones; whether they exist is for others to say. */
export const hints = () =>
  attribute(json.listOf(json.STRING(255)), (value) => asList(value, (each) => asText(each, 255)))
export const object = () =>
  attribute({ type: ['object', 'null'] }, (value): Record<string, unknown> => {
    if (value === null) return {}
    if (typeof value !== 'object' || Array.isArray(value)) return unfit(`'${python(value)}' is not a dictionary`)
    return value as Record<string, unknown>
  })
/** One of a few words, or numbers that may come as text. */
export const oneOf = <const T extends string | number>(...words: T[]) =>
  attribute(
    { enum: words },
    (value) =>
      words.find((word) => word === value || String(word) === value) ??
      unfit(`'${python(value)}' is not in ${python(words)}`),
  )
export const oneOfOrNull = <const T extends string>(...words: T[]) =>
  attribute({ enum: [...words, null] }, (value) =>
    value === null
      ? null
      : (words.find((word) => word === value) ?? unfit(`'${python(value)}' is not in ${python(words)}`)),
  )
/** What only one value is possible for here, because no cloud has another. */
export const nothingBut = <T>(only: T) =>
  attribute({ const: only }, (value) =>
    JSON.stringify(value) === JSON.stringify(only)
      ? only
      : unfit(`'${python(value)}' is not offered, only '${python(only)}' is`),
  )
/** Whatever `read` makes of it; it throws faults of its own. */
export const read = <T>(convert: (value: unknown) => T, schema: json.JsonSchema = {}) => attribute(schema, convert)

export interface FixedIpAsked {
  subnet_id?: string
  ip_address?: string
}
const asFixedIps = (value: unknown): FixedIpAsked[] =>
  value === null
    ? []
    : asList(value, (each): FixedIpAsked => {
        if (typeof each !== 'object' || each === null || Array.isArray(each))
          return unfit(`Invalid data format for fixed IP: '${python(each)}'`)
        const { subnet_id, ip_address, ...more } = each as Record<string, unknown>
        if (Object.keys(more).length) return unfit(`Invalid data format for fixed IP: '${python(each)}'`)
        return {
          ...(subnet_id === undefined ? {} : { subnet_id: asUuid(subnet_id) }),
          ...(ip_address === undefined ? {} : { ip_address: asIp(ip_address) }),
        }
      })
const FIXED_IPS = json.orNothing(json.listOf(json.objectOf({ subnet_id: json.ID, ip_address: json.ADDRESS }, [])))
export const fixedIps = () => attribute(FIXED_IPS, asFixedIps)

/**
 * Pairs of addresses beside a port's own; without a MAC address the port's, which is empty here. Neutron says what is wrong of one in
 * sentences of its own (neutron_lib/api/definitions/allowedaddresspairs.py and its validator).
 */
export const addressPairs = () =>
  attribute(
    json.orNothing({
      ...json.listOf(
        json.objectOf({ ip_address: { anyOf: [json.ADDRESS, json.CIDR] }, mac_address: json.MAC }, ['ip_address']),
      ),
      maxItems: MOST_PAIRS,
    }),
    (value): AddressPair[] => {
      if (value === null) return []
      if (!Array.isArray(value)) throw badRequest('Allowed address pairs must be a list.')
      if (value.length > MOST_PAIRS)
        throw badRequest(
          `The number of allowed address pair exceeds the maximum ${MOST_PAIRS}.`,
          'AllowedAddressPairExhausted',
        )
      const pairs = value.map(asPair)
      const words = pairs.map(({ address, mac }) => `${address} ${mac}`)
      const twice = pairs.find((_, i) => words.indexOf(words[i]!) !== i)
      if (twice)
        throw badRequest(
          `Request contains duplicate address pair: mac_address ${twice.mac || 'None'} ip_address ${twice.address}.`,
          'DuplicateAddressPairInRequest',
        )
      return pairs
    },
  )

const asPair = (value: unknown): AddressPair => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return unfit(`'${python(value)}' is not a dictionary`)
  const { mac_address, ip_address, ...more } = value as Record<string, unknown>
  try {
    const mac = mac_address === undefined ? '' : asMac(mac_address)
    if (ip_address === undefined) throw badRequest('AllowedAddressPair must contain ip_address', 'AddressPairMissingIP')
    const strange = Object.keys(more)
    if (strange.length) throw badRequest(`Unrecognized attribute(s) '${strange.join(', ')}'`)
    const isBlock = typeof ip_address === 'string' && ip_address.includes('/')
    return { address: isBlock ? asCidr(ip_address) : asIp(ip_address), mac }
  } catch (error) {
    throw error instanceof Unfit ? badRequest(error.message) : error
  }
}

/** Options that may say nothing, which is what they say then (neutron_lib/api/definitions/extra_dhcp_opt.py). */
const BLANK = ['router', 'classless-static-route']
const LINE = /^[^\r\n]*$/
const OPTIONS = json.orNothing({
  ...json.listOf(
    json.objectOf(
      {
        opt_name: { ...json.STRING(64), minLength: 1, pattern: LINE.source },
        opt_value: json.orNothing({ ...json.STRING(255), pattern: LINE.source }),
        ip_version: { enum: [4, 6, '4', '6'] },
      },
      ['opt_name', 'opt_value'],
    ),
  ),
  maxItems: MOST_OPTIONS,
})

/** Options of DHCP, in the order in which they are asked for; one whose value is null is to be gone. */
export const dhcpOptions = () =>
  attribute(OPTIONS, (value): DhcpOptionWish[] => {
    const options = value === null ? [] : asList(value, asOption)
    return options.length > MOST_OPTIONS ? unfit(`there are ${MOST_OPTIONS} options of a port at most`) : options
  })

const asOption = (value: unknown): DhcpOptionWish => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return unfit(`'${python(value)}' is not a dictionary`)
  const { opt_name: name, opt_value: said, ip_version: version = 4, ...more } = value as Record<string, unknown>
  const [extra] = Object.keys(more)
  if (extra !== undefined) return unfit(`Unexpected keys supplied: ${extra}`)
  if (name === undefined || said === undefined)
    return unfit(`Expected keys not found: ${name === undefined ? 'opt_name' : 'opt_value'}`)
  const family = [4, 6].find((each) => String(version) === String(each))
  if (family === undefined) return unfit(`'${python(version)}' is not in [4, 6]`)
  const words = asLine(name, 64)
  if (!words.trim()) return unfit(`'${words}' Blank strings are not permitted`)
  const text = said === null ? null : asLine(said, 255)
  if (text !== null && !text.trim() && !BLANK.includes(words)) return unfit(`'${text}' Blank strings are not permitted`)
  return { name: words, value: text, family: family as 4 | 6 }
}

const asLine = (value: unknown, most: number): string => {
  const words = asText(value, most)
  return LINE.test(words) ? words : unfit('Multi-line string is not allowed')
}

const GATEWAY = json.orNothing(
  json.objectOf({ network_id: json.orNothing(json.ID), enable_snat: json.BOOLEAN, external_fixed_ips: FIXED_IPS }, []),
)
export const gatewayInfo = () =>
  attribute(GATEWAY, (value): { networkId: string; enableSnat?: boolean; fixedIps?: FixedIpAsked[] } | null => {
    if (value === null) return null
    if (typeof value !== 'object' || Array.isArray(value)) return unfit(`'${python(value)}' is not a dictionary`)
    const { network_id, enable_snat, external_fixed_ips, ...more } = value as Record<string, unknown>
    const [extra] = Object.keys(more)
    if (extra !== undefined) return unfit(`Unexpected keys supplied: ${extra}`)
    const addresses = external_fixed_ips === undefined ? [] : asFixedIps(external_fixed_ips)
    if (network_id === undefined || network_id === null) return null
    return {
      networkId: asUuid(network_id),
      ...(enable_snat === undefined ? {} : { enableSnat: asFlag(enable_snat) }),
      ...(addresses.length ? { fixedIps: addresses } : {}),
    }
  })

/** Both names of one thing; whoever gives both has to mean one project. */
export const ownership = { project_id: text().optional(), tenant_id: text().optional() }
