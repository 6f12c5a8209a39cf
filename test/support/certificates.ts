import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import {
  bits,
  der,
  explicit,
  integer,
  nothing,
  octets,
  oid,
  sequence,
  set,
  time,
  utf8,
} from '../../functions/crypto/der.ts'
import { newRsaPair } from '../../functions/crypto/ssh-key.ts'

const SHA256_WITH_RSA = sequence(oid('1.2.840.113549.1.1.11'), nothing)
const DAY = 24 * 3600_000

export interface Issued {
  /** PEM. */
  certificate: string
  key: string
  /** SHA-256, in pairs of digits, as browsers show it. */
  fingerprint: string
}
export interface Authority extends Issued {
  name: string
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

const pem = (what: string, bytes: Uint8Array): string =>
  `-----BEGIN ${what}-----\n${Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END ${what}-----\n`
const named = (name: string) => sequence(set(sequence(oid('2.5.4.3'), utf8(name))))
const TRUE = der(0x01, Uint8Array.of(0xff))
const extension = (id: string, value: Uint8Array) => sequence(oid(id), octets(value))

let serial = 0
/** A certificate of `name`, by an authority or by itself. Good for a host (127.0.0.1 is `localhost`), or that of an authority (null). */
const issue = async (name: string, by: Authority | null, host: string | null): Promise<Authority> => {
  const pair = await newRsaPair()
  const extensions =
    host === null
      ? [extension('2.5.29.19', sequence(TRUE))]
      : [
          extension(
            '2.5.29.17',
            sequence(
              der(0x82, Buffer.from(host)),
              ...(host === 'localhost' ? [der(0x87, Uint8Array.of(127, 0, 0, 1))] : []),
            ),
          ),
        ]
  const body = sequence(
    explicit(0, integer(2)),
    integer(++serial),
    SHA256_WITH_RSA,
    named(by?.name ?? name),
    sequence(time(Date.now() - DAY), time(Date.now() + DAY)),
    named(name),
    pair.spki,
    explicit(3, sequence(...extensions)),
  )
  const certificate = sequence(body, SHA256_WITH_RSA, bits(await (by ?? pair).sign(body)))
  const digest = createHash('sha256').update(certificate).digest('hex').toUpperCase()
  return {
    name,
    sign: (bytes) => pair.sign(bytes),
    certificate: pem('CERTIFICATE', certificate),
    key: pem('PRIVATE KEY', pair.pkcs8),
    fingerprint: digest.match(/../g)!.join(':'),
  }
}

export const newAuthority = (): Promise<Authority> => issue('Test authority', null, null)
export const issuedBy = (authority: Authority, host = 'localhost'): Promise<Issued> => issue('vcenter', authority, host)
export const selfSigned = (): Promise<Issued> => issue('vcenter', null, 'localhost')
