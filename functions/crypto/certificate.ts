import { Buffer } from 'node:buffer'
import { createHash, createHmac, randomBytes, X509Certificate } from 'node:crypto'
import { bits, explicit, integer, nothing, octets, oid, sequence, set, time, utf8 } from './der.ts'
import { newRsaPair, pairs } from './ssh-key.ts'

const TEN_YEARS = 3650 * 24 * 3600 * 1000
const SHA256_WITH_RSA = sequence(oid('1.2.840.113549.1.1.11'), nothing)
const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/

/** SHA-1 of a certificate in PEM, in pairs of digits; throws with the reason if it is none. */
export const certificateFingerprint = (pem: string): string => {
  const body = PEM.exec(pem)?.[1]
  if (!body) throw new Error('Unable to load PEM file.')
  const bytes = Buffer.from(body.replaceAll(/\s/g, ''), 'base64')
  void new X509Certificate(bytes).serialNumber
  return pairs(createHash('sha1').update(bytes).digest('hex'))
}

/** Whether a text is certificates, one or more, in PEM. */
export const areCertificates = (pem: string): boolean => {
  const bodies = [...pem.matchAll(new RegExp(PEM, 'g'))].map(([, body]) => body!.replaceAll(/\s/g, ''))
  try {
    for (const body of bodies) void new X509Certificate(Buffer.from(body, 'base64')).serialNumber
    return bodies.length > 0
  } catch {
    return false
  }
}

/**
 * A certificate with which a Windows guest lets a user in without a password (WinRM, client authentication), valid for
 * ten years; the private key comes as PKCS #12 with an empty password, in base64 (nova/crypto.py, generate_winrm_x509_cert).
 */
export const newUserCertificate = async (
  userId: string,
  now: number,
): Promise<{ certificate: string; privateKey: string }> => {
  const pair = await newRsaPair()
  const name = sequence(set(sequence(oid('2.5.4.3'), utf8(userId))))
  const upn = sequence(explicit(0, oid('1.3.6.1.4.1.311.20.2.3'), explicit(0, utf8(`${userId}@localhost`))))
  const body = sequence(
    explicit(0, integer(2)),
    integer(Buffer.concat([Uint8Array.of(1), randomBytes(15)])),
    SHA256_WITH_RSA,
    name,
    sequence(time(now), time(now + TEN_YEARS)),
    name,
    pair.spki,
    explicit(
      3,
      sequence(
        sequence(oid('2.5.29.37'), octets(sequence(oid('1.3.6.1.5.5.7.3.2')))),
        sequence(oid('2.5.29.17'), octets(upn)),
      ),
    ),
  )
  const certificate = sequence(body, SHA256_WITH_RSA, bits(await pair.sign(body)))
  return {
    certificate: toPem(certificate),
    privateKey: Buffer.from(pkcs12(pair.pkcs8, certificate)).toString('base64'),
  }
}

const toPem = (bytes: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END CERTIFICATE-----\n`

const DATA = oid('1.2.840.113549.1.7.1')
const contents = (...bags: Uint8Array[]) => sequence(DATA, explicit(0, octets(sequence(...bags))))

/** A PFX with key and certificate in the clear and a MAC over both (RFC 7292): an empty password would protect nothing. */
const pkcs12 = (pkcs8: Uint8Array, certificate: Uint8Array): Uint8Array => {
  const keyId = set(
    sequence(oid('1.2.840.113549.1.9.21'), set(octets(createHash('sha1').update(certificate).digest()))),
  )
  const keyBag = sequence(oid('1.2.840.113549.1.12.10.1.1'), explicit(0, pkcs8), keyId)
  const x509 = sequence(oid('1.2.840.113549.1.9.22.1'), explicit(0, octets(certificate)))
  const certBag = sequence(oid('1.2.840.113549.1.12.10.1.3'), explicit(0, x509), keyId)
  const safe = sequence(contents(certBag), contents(keyBag))
  const salt = randomBytes(8)
  const mac = createHmac('sha1', macKey(salt, ITERATIONS)).update(safe).digest()
  const digest = sequence(sequence(oid('1.3.14.3.2.26'), nothing), octets(mac))
  return sequence(
    integer(3),
    sequence(DATA, explicit(0, octets(safe))),
    sequence(digest, octets(salt), integer(ITERATIONS)),
  )
}

const ITERATIONS = 2048

/** The key of the MAC for an empty password (RFC 7292, appendix B.2, ID 3; one block of SHA-1 is enough). */
const macKey = (salt: Uint8Array, iterations: number): Uint8Array => {
  const fill = (bytes: Uint8Array) => Uint8Array.from({ length: 64 }, (_, i) => bytes[i % bytes.length]!)
  let key: Uint8Array = createHash('sha1')
    .update(Buffer.concat([new Uint8Array(64).fill(3), fill(salt), fill(Uint8Array.of(0, 0))]))
    .digest()
  for (let round = 1; round < iterations; round++) key = createHash('sha1').update(key).digest()
  return key
}
