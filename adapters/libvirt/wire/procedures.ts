import { type Codec, fixed, hyper, int, list, optional, struct, text, typed, uint } from './xdr.ts'

/*
 * The calls that are made of libvirt's remote protocol, program 0x20008086 version 1: their numbers, and how arguments and
 * answers are laid out (https://libvirt.org/git/?p=libvirt.git;a=blob;f=src/remote/remote_protocol.x). Numbers are for ever.
 */

const NOTHING: Codec<null> = { write() {}, read: () => null }

/** Whether a text is a UUID: no other goes onto the wire. */
export const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)

/** A UUID in its 36 characters; 16 bytes on the wire. */
const uuid: Codec<string> = {
  write: (sink, value) =>
    fixed(16).write(
      sink,
      Uint8Array.from(value.replaceAll('-', '').match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)),
    ),
  read: (source) =>
    [...fixed(16).read(source)]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
}

const domain = struct({ name: text, uuid, id: int })
const network = struct({ name: text, uuid })
const pool = struct({ name: text, uuid })
const volume = struct({ pool: text, name: text, key: text })

export interface DomainRef {
  name: string
  uuid: string
  /** Of one that runs; -1: it does not. */
  id: number
}
export interface NetworkRef {
  name: string
  uuid: string
}
export interface PoolRef {
  name: string
  uuid: string
}
export interface VolumeRef {
  pool: string
  name: string
  key: string
}

/** What comes in place of an answer. */
export const FAULT = struct({
  code: int,
  domain: int,
  message: optional(text),
  level: int,
  dom: optional(domain),
  str1: optional(text),
  str2: optional(text),
  str3: optional(text),
  int1: int,
  int2: int,
  net: optional(network),
})

/** One call: its number, and how it is said and answered. */
export interface Procedure<A, R> {
  number: number
  /** As libvirt names it, for operators. */
  name: string
  args: Codec<A>
  result: Codec<R>
}

const procedure = <A, R>(number: number, name: string, args: Codec<A>, result: Codec<R>): Procedure<A, R> => ({
  number,
  name,
  args,
  result,
})

/** The list calls of libvirt hand out at most so many, or refuse. */
const MOST = 16_384
const ALL = struct({ wanted: int, flags: uint })
const all = <T>(codec: Codec<T>) => struct({ items: list(codec, MOST), count: uint })
const xml = struct({ xml: text })

/* The connection. */
export const AUTH_LIST = procedure(66, 'AUTH_LIST', NOTHING, struct({ types: list(int, 20) }))
/** Words of SASL, each byte as a number of its own; `empty` is 1 where nothing at all is said. */
const WORDS = { empty: int, data: list(int, 65_536) }
const TOLD = struct({ complete: int, ...WORDS })
/** Mechanisms of SASL, with commas between. */
export const SASL_WAYS = procedure(67, 'AUTH_SASL_INIT', NOTHING, struct({ mechanisms: text }))
export const SASL_BEGIN = procedure(68, 'AUTH_SASL_START', struct({ mechanism: text, ...WORDS }), TOLD)
export const SASL_GO_ON = procedure(69, 'AUTH_SASL_STEP', struct(WORDS), TOLD)
export const AUTH_POLKIT = procedure(70, 'AUTH_POLKIT', NOTHING, struct({ complete: int }))
export const OPEN = procedure(1, 'CONNECT_OPEN', struct({ name: optional(text), flags: uint }), NOTHING)
export const GET_HOSTNAME = procedure(59, 'CONNECT_GET_HOSTNAME', NOTHING, struct({ hostname: text }))
export const GET_TYPE = procedure(3, 'CONNECT_GET_TYPE', NOTHING, struct({ type: text }))
export const GET_LIB_VERSION = procedure(157, 'CONNECT_GET_LIB_VERSION', NOTHING, struct({ version: hyper }))
export const GET_NODE_INFO = procedure(
  6,
  'NODE_GET_INFO',
  NOTHING,
  struct({
    // 32 numbers for the characters of its name, with whatever behind it.
    model: fixed(32 * 4),
    memoryKiB: hyper,
    cpus: int,
    mhz: int,
    nodes: int,
    sockets: int,
    cores: int,
    threads: int,
  }),
)
/** What the emulator can do; fails for a type of domains that the host cannot run. */
export const DOMAIN_CAPABILITIES = procedure(
  342,
  'CONNECT_GET_DOMAIN_CAPABILITIES',
  struct({
    emulator: optional(text),
    arch: optional(text),
    machine: optional(text),
    type: optional(text),
    flags: uint,
  }),
  struct({ capabilities: text }),
)
export const GET_MEMORY_STATS = procedure(
  228,
  'NODE_GET_MEMORY_STATS',
  struct({ count: int, cell: int, flags: uint }),
  struct({ stats: list(struct({ field: text, value: hyper }), 16), count: int }),
)

/* Domains. */
export const LIST_DOMAINS = procedure(273, 'CONNECT_LIST_ALL_DOMAINS', ALL, all(domain))
export const FIND_DOMAIN = procedure(24, 'DOMAIN_LOOKUP_BY_UUID', struct({ uuid }), struct({ domain }))
export const DOMAIN_XML = procedure(14, 'DOMAIN_GET_XML_DESC', struct({ domain, flags: uint }), xml)
export const DOMAIN_STATE = procedure(
  212,
  'DOMAIN_GET_STATE',
  struct({ domain, flags: uint }),
  struct({ state: int, reason: int }),
)
export const IS_PERSISTENT = procedure(151, 'DOMAIN_IS_PERSISTENT', struct({ domain }), struct({ persistent: int }))
export const HAS_SAVED = procedure(
  183,
  'DOMAIN_HAS_MANAGED_SAVE_IMAGE',
  struct({ domain, flags: uint }),
  struct({ result: int }),
)
export const SET_METADATA = procedure(
  264,
  'DOMAIN_SET_METADATA',
  struct({ domain, type: int, metadata: optional(text), key: optional(text), uri: optional(text), flags: uint }),
  NOTHING,
)

export const DEFINE = procedure(350, 'DOMAIN_DEFINE_XML_FLAGS', struct({ xml: text, flags: uint }), struct({ domain }))
export const START = procedure(196, 'DOMAIN_CREATE_WITH_FLAGS', struct({ domain, flags: uint }), struct({ domain }))
export const SHUT_DOWN = procedure(258, 'DOMAIN_SHUTDOWN_FLAGS', struct({ domain, flags: uint }), NOTHING)
export const CUT_POWER = procedure(234, 'DOMAIN_DESTROY_FLAGS', struct({ domain, flags: uint }), NOTHING)
export const RESET = procedure(245, 'DOMAIN_RESET', struct({ domain, flags: uint }), NOTHING)
export const PAUSE = procedure(34, 'DOMAIN_SUSPEND', struct({ domain }), NOTHING)
export const UNPAUSE = procedure(28, 'DOMAIN_RESUME', struct({ domain }), NOTHING)
export const SAVE = procedure(182, 'DOMAIN_MANAGED_SAVE', struct({ domain, flags: uint }), NOTHING)
export const UNDEFINE = procedure(231, 'DOMAIN_UNDEFINE_FLAGS', struct({ domain, flags: uint }), NOTHING)

/* What the agent in a guest does (qemu-guest-agent); `mountpoints`: none named are all. */
const FILESYSTEMS = struct({ domain, mountpoints: list(text, 256), flags: uint })
export const FREEZE = procedure(335, 'DOMAIN_FSFREEZE', FILESYSTEMS, struct({ filesystems: int }))
export const THAW = procedure(336, 'DOMAIN_FSTHAW', FILESYSTEMS, struct({ filesystems: int }))
/** How long the agent is waited for from then on, in seconds; without it a guest that does not answer is waited for without end. */
export const SET_AGENT_PATIENCE = procedure(
  420,
  'DOMAIN_AGENT_SET_RESPONSE_TIMEOUT',
  struct({ domain, seconds: int, flags: uint }),
  struct({ result: int }),
)
export const SET_PASSWORD = procedure(
  357,
  'DOMAIN_SET_USER_PASSWORD',
  struct({ domain, user: optional(text), password: optional(text), flags: uint }),
  NOTHING,
)

/** Of one domain, or (null) of all; 0 are events of their life. */
export const LISTEN = procedure(
  316,
  'CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY',
  struct({ event: int, domain: optional(domain) }),
  struct({ callback: int }),
)
/** What is told then: something began, stopped, or was defined; which, a look says. */
export const LIFE = { number: 318, told: struct({ callback: int, domain, event: int, detail: int }) }

const DEVICE = struct({ domain, xml: text, flags: uint })
export const ATTACH_DEVICE = procedure(160, 'DOMAIN_ATTACH_DEVICE_FLAGS', DEVICE, NOTHING)
export const DETACH_DEVICE = procedure(161, 'DOMAIN_DETACH_DEVICE_FLAGS', DEVICE, NOTHING)

export const UPDATE_DEVICE = procedure(174, 'DOMAIN_UPDATE_DEVICE_FLAGS', DEVICE, NOTHING)

/** What a serial port says and hears; null: the first one. */
export const OPEN_CONSOLE = procedure(
  201,
  'DOMAIN_OPEN_CONSOLE',
  struct({ domain, device: optional(text), flags: uint }),
  NOTHING,
)

/** From now on what is in a disk goes into another place too; `params` say how fast, and are none. */
export const COPY_DISK = procedure(
  345,
  'DOMAIN_BLOCK_COPY',
  struct({ domain, disk: text, xml: text, params: list(uint, 0), flags: uint }),
  NOTHING,
)
export const END_COPYING = procedure(
  237,
  'DOMAIN_BLOCK_JOB_ABORT',
  struct({ domain, disk: text, flags: uint }),
  NOTHING,
)

/** What domains have used; `stats` says of what (virDomainStatsTypes). */
export const DOMAIN_STATS = procedure(
  344,
  'CONNECT_GET_ALL_DOMAIN_STATS',
  struct({ domains: list(domain, 1), stats: uint, flags: uint }),
  struct({ records: list(struct({ domain, stats: list(struct({ field: text, value: typed }), 4_096) }), 1) }),
)

/** virDomainModificationImpact: what runs, and what is kept. */
export const LIVE = 1
export const KEPT = 2

/** What is kept, and what runs where something does. */
export const impactOn = ({ id }: DomainRef): number => (id < 0 ? KEPT : LIVE | KEPT)

/* Storage. */
export const LIST_POOLS = procedure(281, 'CONNECT_LIST_ALL_STORAGE_POOLS', ALL, all(pool))
export const POOL_INFO = procedure(
  87,
  'STORAGE_POOL_GET_INFO',
  struct({ pool }),
  struct({ state: uint, capacity: hyper, allocation: hyper, available: hyper }),
)
export const FIND_POOL = procedure(84, 'STORAGE_POOL_LOOKUP_BY_NAME', struct({ name: text }), struct({ pool }))
export const LIST_VOLUMES = procedure(
  282,
  'STORAGE_POOL_LIST_ALL_VOLUMES',
  struct({ pool, wanted: int, flags: uint }),
  all(volume),
)
export const FIND_VOLUME = procedure(95, 'STORAGE_VOL_LOOKUP_BY_NAME', struct({ pool, name: text }), struct({ volume }))
export const FIND_VOLUME_AT = procedure(97, 'STORAGE_VOL_LOOKUP_BY_PATH', struct({ path: text }), struct({ volume }))
export const VOLUME_XML = procedure(99, 'STORAGE_VOL_GET_XML_DESC', struct({ volume, flags: uint }), xml)

export const POOL_XML = procedure(88, 'STORAGE_POOL_GET_XML_DESC', struct({ pool, flags: uint }), xml)
const POOL = struct({ pool })
const POOL_FLAGS = struct({ pool, flags: uint })
export const DEFINE_POOL = procedure(77, 'STORAGE_POOL_DEFINE_XML', struct({ xml: text, flags: uint }), POOL)
export const START_POOL = procedure(78, 'STORAGE_POOL_CREATE', POOL_FLAGS, NOTHING)
/** Makes the folder of a pool of files. */
export const BUILD_POOL = procedure(79, 'STORAGE_POOL_BUILD', POOL_FLAGS, NOTHING)
export const STOP_POOL = procedure(80, 'STORAGE_POOL_DESTROY', POOL, NOTHING)
/** Takes away the folder, which is empty. */
export const DELETE_POOL = procedure(81, 'STORAGE_POOL_DELETE', POOL_FLAGS, NOTHING)
export const UNDEFINE_POOL = procedure(82, 'STORAGE_POOL_UNDEFINE', POOL, NOTHING)
export const CREATE_VOLUME = procedure(
  93,
  'STORAGE_VOL_CREATE_XML',
  struct({ pool, xml: text, flags: uint }),
  struct({ volume }),
)
/** A volume with all that another one has, which may be in another pool; answered once all is there. */
export const CREATE_VOLUME_FROM = procedure(
  125,
  'STORAGE_VOL_CREATE_XML_FROM',
  struct({ pool, xml: text, from: volume, flags: uint }),
  struct({ volume }),
)
export const RESIZE_VOLUME = procedure(
  260,
  'STORAGE_VOL_RESIZE',
  struct({ volume, capacity: hyper, flags: uint }),
  NOTHING,
)
export const DELETE_VOLUME = procedure(94, 'STORAGE_VOL_DELETE', struct({ volume, flags: uint }), NOTHING)
export const REFRESH_POOL = procedure(83, 'STORAGE_POOL_REFRESH', struct({ pool, flags: uint }), NOTHING)

/** Of the bytes of a volume so many, from there on; 0: all that there are. */
const RANGE = struct({ volume, offset: hyper, length: hyper, flags: uint })
export const UPLOAD = procedure(208, 'STORAGE_VOL_UPLOAD', RANGE, NOTHING)
export const DOWNLOAD = procedure(209, 'STORAGE_VOL_DOWNLOAD', RANGE, NOTHING)

/* Networks. */
export const LIST_NETWORKS = procedure(283, 'CONNECT_LIST_ALL_NETWORKS', ALL, all(network))
export const FIND_NETWORK = procedure(47, 'NETWORK_LOOKUP_BY_UUID', struct({ uuid }), struct({ network }))
export const NETWORK_XML = procedure(43, 'NETWORK_GET_XML_DESC', struct({ network, flags: uint }), xml)
export const DHCP_LEASES = procedure(
  341,
  'NETWORK_GET_DHCP_LEASES',
  struct({ network, mac: optional(text), wanted: int, flags: uint }),
  all(
    struct({
      iface: text,
      expiry: hyper,
      type: int,
      mac: optional(text),
      iaid: optional(text),
      address: text,
      prefix: uint,
      hostname: optional(text),
      clientId: optional(text),
    }),
  ),
)

const NETWORK = struct({ network })
export const DEFINE_NETWORK = procedure(41, 'NETWORK_DEFINE_XML', xml, NETWORK)
export const START_NETWORK = procedure(39, 'NETWORK_CREATE', NETWORK, NOTHING)
export const STOP_NETWORK = procedure(42, 'NETWORK_DESTROY', NETWORK, NOTHING)
export const UNDEFINE_NETWORK = procedure(49, 'NETWORK_UNDEFINE', NETWORK, NOTHING)
export const START_NETWORK_AT_BOOT = procedure(
  48,
  'NETWORK_SET_AUTOSTART',
  struct({ network, autostart: int }),
  NOTHING,
)
export const NETWORK_RUNS = procedure(152, 'NETWORK_IS_ACTIVE', NETWORK, struct({ active: int }))
/** In this order since libvirt 7.2; older hosts took section and command for each other. */
export const UPDATE_NETWORK = procedure(
  291,
  'NETWORK_UPDATE',
  struct({ network, command: uint, section: uint, parent: int, xml: text, flags: uint }),
  NOTHING,
)

/* Filters of traffic. */
const FILTER = struct({ filter: network })
export const LIST_FILTERS = procedure(286, 'CONNECT_LIST_ALL_NWFILTERS', ALL, all(network))
export const FIND_FILTER = procedure(175, 'NWFILTER_LOOKUP_BY_NAME', struct({ name: text }), FILTER)
export const DEFINE_FILTER = procedure(180, 'NWFILTER_DEFINE_XML', xml, FILTER)
export const UNDEFINE_FILTER = procedure(181, 'NWFILTER_UNDEFINE', FILTER, NOTHING)
