import type { CloudRow } from '../../../db/queries/clouds/clouds.ts'
import type { Host, Trust } from '../../context.ts'
import { trustOf } from './connection.ts'

/** What of a cloud, or of whatever else an address is given for, decides where requests may be sent. */
export interface Reach {
  name: string
  options: CloudRow['options']
  /** How a private address is allowed, as a part of a sentence; absent: as for clouds. */
  allowing?: string
}

/** An admin said, for this very cloud, that it lives in a private network. */
export const allowsPrivate = ({ options }: Pick<Reach, 'options'>): boolean => options.allow_private === true

/** Why a URL may not be an endpoint, as a sentence; null if it may. Names are resolved only where the runtime can. */
export const endpointFault = async (
  url: string,
  reach: Pick<Reach, 'options' | 'allowing'>,
): Promise<string | null> => {
  const fault = urlFault(url, reach)
  if (fault || allowsPrivate(reach)) return fault
  return (await addressesOf(new URL(url).hostname)).some(isPrivate)
    ? 'The endpoint resolves to a private address.'
    : null
}

const urlFault = (text: string, reach: Pick<Reach, 'options' | 'allowing'>): string | null => {
  if (!URL.canParse(text)) return 'The endpoint is not a URL.'
  const url = new URL(text)
  const open = allowsPrivate(reach)
  if (url.username || url.password) return 'The endpoint must not carry credentials.'
  if (url.protocol !== 'https:' && !(open && url.protocol === 'http:')) return 'The endpoint must be an https URL.'
  if (!open && isPrivate(url.hostname))
    return `The endpoint is a private address; ${reach.allowing ?? 'set options.allow_private to allow it'}.`
  return null
}

const NOTHING = () => false

/** What checks a name before it is resolved for the connection is told another address than the connection: where the runtime can, the connection itself is checked. */
const senderOf = (
  { fetch, trusting }: Pick<Host, 'fetch' | 'trusting'>,
  trust: Trust | null,
  open: boolean,
): typeof globalThis.fetch | undefined => {
  if (trust) return trusting?.(trust, open ? NOTHING : isPrivate)
  return open || !trusting ? fetch : trusting(null, isPrivate)
}

/** The host's `fetch`, for one cloud: nowhere that an endpoint may not be, and never wherever an answer points. */
export const guardedFetch = (host: Pick<Host, 'fetch' | 'trusting' | 'now'>, reach: Reach): typeof fetch => {
  const checked = new Map<string, number>()
  const trust = trustOf(reach)
  const send = senderOf(host, trust, allowsPrivate(reach))
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    const { origin } = new URL(url)
    const fresh = (checked.get(origin) ?? 0) > host.now()
    const fault = fresh ? null : await endpointFault(url, reach)
    if (fault) throw new Error(`${fault} (${reach.name}: ${origin})`)
    if (!fresh) checked.set(origin, host.now() + 30_000)
    if (!send)
      throw new Error(`Option tls of ${reach.name} does nothing here: connections believe public authorities only.`)
    return send(input, { ...init, redirect: 'manual' }).catch((error) => {
      throw inWords(error, origin)
    })
  }
}

/** What Node calls a certificate that it does not believe. */
const DISBELIEF = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|ERR_TLS/

/** A failed connection as its operator can understand it; every other error as it is. */
const inWords = (error: unknown, origin: string): unknown => {
  const cause = error instanceof Error ? (error.cause as { code?: unknown; message?: unknown } | undefined) : undefined
  if (!DISBELIEF.test(String(cause?.code))) return error
  return new Error(
    `The certificate of ${origin} is not believed: ${cause?.message}. The authority behind it, or its fingerprint, can be given as options.tls of the cloud.`,
    { cause: error },
  )
}

/** True for names and addresses that lead into the private network, in every spelling that URL leaves over. */
export const isPrivate = (hostname: string): boolean => {
  const name = hostname
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/^\[|\]$/g, '')
  if (/(^|\.)(localhost|local|internal|home\.arpa)$/.test(name)) return true
  if (name.includes(':')) return isPrivate6(name)
  return /^\d+(\.\d+){3}$/.test(name) && isPrivate4(name.split('.').map(Number))
}

/** https://www.iana.org/assignments/iana-ipv4-special-registry */
const isPrivate4 = ([a = 0, b = 0, c = 0]: number[]): boolean =>
  a === 0 ||
  a === 10 ||
  a === 127 ||
  a >= 224 ||
  (a === 100 && b >= 64 && b < 128) ||
  (a === 169 && b === 254) ||
  (a === 172 && b >= 16 && b < 32) ||
  (a === 192 && b === 168) ||
  (a === 192 && b === 0 && (c === 0 || c === 2)) ||
  (a === 198 && (b === 18 || b === 19)) ||
  (a === 198 && b === 51 && c === 100) ||
  (a === 203 && b === 0 && c === 113)

/** https://www.iana.org/assignments/iana-ipv6-special-registry; an address that holds an IPv4 one is judged by that. */
const isPrivate6 = (text: string): boolean => {
  const words = words6(text)
  const mapped = [words[6]! >> 8, words[6]! & 255, words[7]! >> 8, words[7]! & 255]
  if (words.slice(0, 5).every((w) => w === 0) && (words[5] === 0xffff || words[5] === 0))
    return words[5] === 0 || isPrivate4(mapped)
  if (words[0] === 0x64 && words[1] === 0xff9b) return isPrivate4(mapped)
  if (words[0] === 0x2002) return isPrivate4([words[1]! >> 8, words[1]! & 255, words[2]! >> 8, words[2]! & 255])
  return (words[0]! & 0xe000) !== 0x2000 || (words[0] === 0x2001 && (words[1]! < 0x200 || words[1] === 0xdb8))
}

/** The eight words of an address as URL writes it, or as the resolver does (with a dotted tail, perhaps). */
const words6 = (text: string): number[] => {
  const plain = text
    .replace(/%.*$/, '')
    .replace(
      /(?<!\d)(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
      (_, a, b, c, d) => `${(a * 256 + +b).toString(16)}:${(c * 256 + +d).toString(16)}`,
    )
  const [head = '', tail] = plain.split('::')
  const left = head ? head.split(':') : []
  const right = tail ? tail.split(':') : []
  const gap = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return [...left, ...gap, ...right, ...Array<string>(8).fill('0')].slice(0, 8).map((word) => Number.parseInt(word, 16))
}

/** Where a name leads, on Node. Workers resolve when they connect, and refuse private addresses themselves. */
const addressesOf = async (hostname: string): Promise<string[]> => {
  const onNode =
    typeof process !== 'undefined' && process.release?.name === 'node' && navigator.userAgent !== 'Cloudflare-Workers'
  if (!onNode) return []
  const { lookup } = await import('node:dns/promises')
  return lookup(hostname.replace(/^\[|\]$/g, ''), { all: true }).then(
    (found) => found.map(({ address }) => address),
    () => [],
  )
}
