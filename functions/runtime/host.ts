import type { D1Database } from '@cloudflare/workers-types'
import * as z from 'zod'
import { openDatabase } from '../../db/client.ts'
import { DatabaseStore } from '../../db/store.ts'
import { KnownPasswords } from '../auth/known-passwords.ts'
import { PasswordHashes, type Scrypt, scryptHere } from '../auth/password.ts'
import { listed } from '../auth/source.ts'
import { attend, converge } from '../broker/converge/converge.ts'
import { ImportPool } from '../broker/imports/pool.ts'
import { deliverSoon } from '../broker/notices/deliver.ts'
import type { Host, Log, Settings } from '../context.ts'
import { type TraceSettings, tracesFrom } from '../instruments/traces/settings.ts'
import { jsonLog } from '../log.ts'
import { identify } from './deployment.ts'

/** What differs between the runtimes; tests replace the rest as well. */
export interface HostParts {
  /** The broker's own database, migrated. */
  d1: D1Database
  settings: Settings
  defer: Host['defer']
  /** The database that holds the state of embedded clouds, or a store that is ready. */
  cloudState: D1Database | Host['cloudState']
  blobs?: Host['blobs']
  conversion?: Host['conversion']
  fetch?: Host['fetch']
  trusting?: Host['trusting']
  dial?: Host['dial']
  consolePage?: Host['consolePage']
  pages?: Host['pages']
  now?: Host['now']
  sleep?: Host['sleep']
  newId?: Host['newId']
  log?: Log
  /** Where the time of password hashes is spent; absent: in this process. */
  scrypt?: Scrypt
  /** How many of them are made at a time; absent: two. */
  hashesAtOnce?: number
  spread?: Host['spread']
  ending?: Host['ending']
  onTold?: Host['onTold']
  aloneSince?: number
  instruments?: Host['instruments']
  counted?: Host['counted']
}

/**
 * Everything that a request or a cron run works with. Reads (and at the very first start writes) who this deployment
 * is. Throws `WrongKey` when the database was made with another secret key.
 */
export const openHost = async (parts: HostParts): Promise<Host> => {
  const newId = parts.newId ?? (() => crypto.randomUUID())
  const db = openDatabase(parts.d1)
  const carry = parts.instruments?.carry
  return {
    db,
    d1: parts.d1,
    cloudState: 'prepare' in parts.cloudState ? new DatabaseStore(parts.cloudState) : parts.cloudState,
    blobs: parts.blobs ?? null,
    conversion: parts.conversion ?? { lacking: UNCONVERTED[parts.settings.runtime] },
    // Workers refuse a `fetch` that is called as somebody's method.
    fetch: parts.fetch ?? ((input, init) => fetch(input, init)),
    now: parts.now ?? Date.now,
    sleep: parts.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms))),
    newId,
    log: parts.log ?? jsonLog(),
    defer: carry ? (work) => parts.defer(carry(work)) : parts.defer,
    converge,
    attend,
    deliver: deliverSoon,
    ...(parts.spread ? { spread: parts.spread } : {}),
    ...(parts.ending ? { ending: parts.ending } : {}),
    ...(parts.onTold ? { onTold: parts.onTold } : {}),
    ...(parts.aloneSince === undefined ? {} : { aloneSince: parts.aloneSince }),
    ...(parts.instruments ? { instruments: parts.instruments } : {}),
    ...(parts.counted ? { counted: parts.counted } : {}),
    ...(parts.trusting ? { trusting: parts.trusting } : {}),
    ...(parts.dial ? { dial: parts.dial } : {}),
    ...(parts.pages ? { pages: parts.pages } : {}),
    ...(parts.consolePage ? { consolePage: parts.consolePage } : {}),
    importPool: new ImportPool(),
    settings: parts.settings,
    hashes: new PasswordHashes(parts.scrypt ?? scryptHere, parts.hashesAtOnce),
    // One of four threads stays free whatever is hashed.
    secretHashes: new PasswordHashes(parts.scrypt ?? scryptHere, 1),
    knownPasswords: new KnownPasswords(parts.settings.rememberPasswords),
    deployment: await identify(db, parts.settings.secretKeys, newId),
  }
}

const UNCONVERTED = {
  node: 'Nothing is converted here: there is no folder for it.',
  workers: 'Nothing is converted on Workers; a broker on Node does it with qemu-img.',
}

/** How spans are sent, to whom, and of how many traces; null: nobody is told of any. */
export const traceSettings = (env: Record<string, string | undefined>): TraceSettings | null => {
  try {
    return tracesFrom(env)
  } catch (error) {
    throw new BadSettings((error as Error).message)
  }
}

/** Settings that have the same default everywhere. `secretKeys` are hexadecimal, newest first. */
export const settingsFrom = (
  env: Record<string, string | undefined>,
  runtime: Settings['runtime'],
  secretKeys: string,
): Settings => ({
  region: env.PLIMSOLL_REGION || 'RegionOne',
  publicUrl: env.PLIMSOLL_PUBLIC_URL?.replace(/(?<!\/)\/+$/, '') || null,
  allowedHosts: hostsFrom(env, runtime),
  secretKeys: parseSecretKeys(secretKeys),
  tokenLifetime: Number(env.PLIMSOLL_TOKEN_LIFETIME) || 3600,
  lingerMs: 10_000,
  imageSizeCap: imageSizeCapFrom(env.PLIMSOLL_IMAGE_SIZE_CAP, runtime),
  imageFormatsChecked: checkedFrom(env.PLIMSOLL_IMAGE_FORMATS || 'checked'),
  convertedBytes: bytesFrom(env, 'PLIMSOLL_CONVERTED_BYTES', DEFAULT_CONVERTED),
  convertedDiskBytes: bytesFrom(env, 'PLIMSOLL_CONVERTED_DISK_BYTES', DEFAULT_CONVERTED_DISK),
  trustedProxies: proxiesFrom(env.PLIMSOLL_TRUSTED_PROXIES),
  requestsPerSource: rateFrom(env, 'PLIMSOLL_REQUESTS_PER_SOURCE'),
  requestsPerUser: rateFrom(env, 'PLIMSOLL_REQUESTS_PER_USER'),
  rememberPasswords: rememberedFrom(env.PLIMSOLL_REMEMBER_PASSWORDS || 'users'),
  passwords: {
    unique: countFrom(env, 'PLIMSOLL_PASSWORD_UNIQUE', 10),
    minimumAgeDays: countFrom(env, 'PLIMSOLL_PASSWORD_MINIMUM_AGE', 3650),
    expireDays: countFrom(env, 'PLIMSOLL_PASSWORD_EXPIRES', 36_500),
    changeFirst: countFrom(env, 'PLIMSOLL_PASSWORD_CHANGE_FIRST', 1) === 1,
  },
  oidc: oidcFrom(env.PLIMSOLL_OIDC),
  oidcHosts: privateHostsFrom(env, 'PLIMSOLL_OIDC_HOSTS'),
  trustedDashboards: dashboardsFrom(env.PLIMSOLL_TRUSTED_DASHBOARDS),
  webhookHosts: privateHostsFrom(env, 'PLIMSOLL_WEBHOOK_HOSTS'),
  importHosts: privateHostsFrom(env, 'PLIMSOLL_IMPORT_HOSTS'),
  homecoming: {
    afterMs: secondsFrom(env, 'PLIMSOLL_HOMECOMING_AFTER', 600),
    readyMs: secondsFrom(env, 'PLIMSOLL_HOMECOMING_READY', 900),
    graceMs: secondsFrom(env, 'PLIMSOLL_HOMECOMING_GRACE', 60),
    againMs: secondsFrom(env, 'PLIMSOLL_HOMECOMING_AGAIN', 21_600),
  },
  costsKeptMs: daysFrom(env, 'PLIMSOLL_COSTS_DAYS', 400),
  metrics: metricsFrom(env, runtime),
  runtime,
})

/** Short ones can be guessed, and nobody counts who tries. */
const LEAST_TOKEN = 24
const metricsFrom = (env: Record<string, string | undefined>, runtime: Settings['runtime']): Settings['metrics'] => {
  const word = env.PLIMSOLL_METRICS ?? ''
  const token = env.PLIMSOLL_METRICS_TOKEN
  if (!word) return 'off'
  if (word !== 'off' && word !== 'loopback' && word !== 'token')
    throw new BadSettings('PLIMSOLL_METRICS must be `off`, `loopback` or `token`.')
  if (word === 'loopback' && runtime === 'workers')
    throw new BadSettings('PLIMSOLL_METRICS: a Worker is on no machine of its own; `token` is for it.')
  // Behind a proxy everybody is on this machine, and not each proxy says that it is one.
  if (word === 'loopback' && (env.PLIMSOLL_PUBLIC_URL || env.PLIMSOLL_TRUSTED_PROXIES))
    throw new BadSettings(
      'PLIMSOLL_METRICS: where something stands in front, as PLIMSOLL_PUBLIC_URL or PLIMSOLL_TRUSTED_PROXIES say, it must be `token`.',
    )
  if (word !== 'token') return word
  if (!token || !new RegExp(`^\\S{${LEAST_TOKEN},1024}$`).test(token))
    throw new BadSettings(`PLIMSOLL_METRICS_TOKEN must be ${LEAST_TOKEN} to 1024 characters without spaces.`)
  return { token }
}

/** Addresses of dashboards, with commas. */
const dashboardsFrom = (text: string | undefined): string[] => {
  const listed = listOf(text)
  const wrong = listed.find((each) => !/^https?:\/\/\S+$/.test(each) || !URL.canParse(each))
  if (wrong) throw new BadSettings(`PLIMSOLL_TRUSTED_DASHBOARDS: ${wrong} is not the address of a dashboard.`)
  return listed
}

const oidcProvider = z.strictObject({
  idp: z.string().min(1).max(64),
  issuer: z.url(),
  audience: z.array(z.string().min(1)).min(1),
  client_id: z.string().min(1).optional(),
  client_secret: z.string().min(1).optional(),
  scope: z.string().min(1).default('openid profile email'),
})
/** A list of providers, as JSON. */
const oidcFrom = (text: string | undefined): Settings['oidc'] => {
  if (!text) return []
  try {
    return z
      .array(oidcProvider)
      .parse(JSON.parse(text))
      .map(({ client_id: clientId, client_secret: clientSecret, ...each }) => ({ ...each, clientId, clientSecret }))
  } catch {
    throw new BadSettings(
      'PLIMSOLL_OIDC must be a JSON list of providers: idp, issuer, audience, and client_id, client_secret, scope.',
    )
  }
}

/** A whole number, 0 where nothing is said. */
const countFrom = (env: Record<string, string | undefined>, name: string, most: number): number => {
  const count = Number(env[name] || 0)
  if (!Number.isSafeInteger(count) || count < 0 || count > most)
    throw new BadSettings(`${name} must be a whole number from 0 to ${most}.`)
  return count
}

/** Months that are not over yet have to stay whole, and what lives on is settled up to forty days late. */
const LEAST_DAYS = 90
const MOST_DAYS = 3_650

/** A number of days, as milliseconds. */
const daysFrom = (env: Record<string, string | undefined>, name: string, otherwise: number): number => {
  const days = env[name] ? Number(env[name]) : otherwise
  if (!Number.isSafeInteger(days) || days < LEAST_DAYS || days > MOST_DAYS)
    throw new Error(`${name} must be a number of days from ${LEAST_DAYS} to ${MOST_DAYS}`)
  return days * 86_400_000
}

/** A number of seconds, as milliseconds. */
const secondsFrom = (env: Record<string, string | undefined>, name: string, otherwise: number): number => {
  const seconds = env[name] ? Number(env[name]) : otherwise
  if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > 31_536_000)
    throw new BadSettings(`${name} must be a number of seconds, of at most a year.`)
  return seconds * 1000
}

/** Glance's `image_size_cap`, and what passes a Worker (https://developers.cloudflare.com/workers/platform/limits/). */
const DEFAULT_IMAGE_SIZE_CAP = 2 ** 40
const WORKER_BODY = 100_000_000
const imageSizeCapFrom = (text: string | undefined, runtime: Settings['runtime']): number => {
  const cap = text ? Number(text) : DEFAULT_IMAGE_SIZE_CAP
  if (!Number.isSafeInteger(cap) || cap < 1)
    throw new BadSettings('PLIMSOLL_IMAGE_SIZE_CAP must be a number of bytes, 1 at least.')
  return runtime === 'workers' ? Math.min(cap, WORKER_BODY) : cap
}

const DEFAULT_CONVERTED = 50 * 2 ** 30
const DEFAULT_CONVERTED_DISK = 2 * 2 ** 40
const bytesFrom = (env: Record<string, string | undefined>, name: string, otherwise: number): number => {
  const bytes = env[name] ? Number(env[name]) : otherwise
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new BadSettings(`${name} must be a number of bytes.`)
  return bytes
}

/** Requests a minute; 0, and nothing said: no limit. */
const rateFrom = (env: Record<string, string | undefined>, name: string): number => {
  const perMinute = Number(env[name] || 0)
  if (!Number.isSafeInteger(perMinute) || perMinute < 0)
    throw new BadSettings(`${name} must be a number of requests a minute; 0 is no limit.`)
  return perMinute
}

const rememberedFrom = (text: string): Settings['rememberPasswords'] => {
  if (text !== 'off' && text !== 'users' && text !== 'all')
    throw new BadSettings('PLIMSOLL_REMEMBER_PASSWORDS must be `users`, `all` or `off`.')
  return text
}

const listOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * Without a word about it, what listens to this machine alone is asked by names of this machine alone: no page that a
 * browser shows can have its own name lead here. What has a public URL tells no client another one.
 */
const hostsFrom = (env: Record<string, string | undefined>, runtime: Settings['runtime']): string[] | null => {
  const listed = listOf(env.PLIMSOLL_ALLOWED_HOSTS?.toLowerCase())
  const wrong = listed.find((entry) => !/^((\*\.)?[a-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(entry))
  if (wrong) throw new BadSettings(`PLIMSOLL_ALLOWED_HOSTS: ${wrong} is not the name of a host.`)
  if (listed.length) return listed
  const local = runtime === 'node' && /^(localhost|127\.[\d.]+|::1)$/.test(env.HOST || '127.0.0.1')
  return local && !env.PLIMSOLL_PUBLIC_URL ? [...LOOPBACK, ...listOf(env.HOST)] : null
}

/** `require_image_format_match` of Glance. */
const checkedFrom = (word: string): boolean => {
  if (word !== 'checked' && word !== 'trusted')
    throw new BadSettings(`PLIMSOLL_IMAGE_FORMATS: ${word} is neither checked nor trusted.`)
  return word === 'checked'
}

/** Hosts by name, as URLs have them. */
const privateHostsFrom = (env: Record<string, string | undefined>, name: string): string[] => {
  const hosts = listOf(env[name]?.toLowerCase())
  const wrong = hosts.find((host) => !/^([a-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(host))
  if (wrong) throw new BadSettings(`${name}: ${wrong} is not the name of a host.`)
  return hosts
}

const proxiesFrom = (text: string | undefined): string[] => {
  const entries = listOf(text)
  try {
    listed(entries)
  } catch (error) {
    throw new BadSettings(`PLIMSOLL_TRUSTED_PROXIES: ${(error as Error).message}.`)
  }
  return entries
}

/** Up to three keys of 64 hexadecimal digits, separated by commas: the first seals, every one opens. */
const parseSecretKeys = (text: string): Uint8Array[] => {
  const keys = text.split(',').map((key) => key.trim())
  if (keys.length > 3 || keys.some((key) => !/^[0-9a-f]{64}$/i.test(key)))
    throw new BadSettings('PLIMSOLL_SECRET_KEY must be 64 hexadecimal digits (or up to three such keys, with commas).')
  return keys.map((key) => Uint8Array.from(key.match(/../g)!, (byte) => Number.parseInt(byte, 16)))
}

/** A setting that nobody can work with; the message is one line for the operator. */
export class BadSettings extends Error {}
