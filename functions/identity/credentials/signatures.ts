import { Buffer } from 'node:buffer'
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { percent } from '../percent.ts'

/*
 * Signatures of requests to services that speak EC2's and S3's API, as they are handed on to be checked: versions 2 and 4
 * (keystoneclient/contrib/ec2/utils.py, keystone/api/s3tokens.py). Versions 0 and 1 sign less than what is asked for.
 */

/** What a service hands on of a request of EC2's API. */
export interface SignedRequest {
  signature: string
  verb: string
  host: string
  path: string
  params: Record<string, string>
  headers: Record<string, string>
  body_hash: string
}

/** Parameters in their order, without the signature itself. */
const canonical = (params: SignedRequest['params']): string =>
  Object.entries(params)
    .filter(([name]) => name !== 'Signature' && name !== 'X-Amz-Signature')
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${percent(name)}=${percent(value)}`)
    .join('&')

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

const second = ({ verb, host, path, params }: SignedRequest, secret: string): string => {
  const signed = { ...params, SignatureMethod: 'HmacSHA256' }
  return hmac(secret, `${verb}\n${host}\n${path}\n${canonical(signed)}`).toString('base64')
}

/** The key of a scope `date/region/service/aws4_request`. */
const keyOf = (secret: string, scope: string[]): Buffer =>
  scope.reduce<string | Buffer>((key, part) => hmac(key, part), `AWS4${secret}`) as Buffer

/** What the header `Authorization`, or a query, says of a signature. */
const saidOf = ({ headers, params }: SignedRequest, name: string): string => {
  const header = headers.Authorization
  if (header === undefined) return params[`X-Amz-${name}`] ?? ''
  return header.split(`${name}=`)[1]?.split(',')[0]?.trim() ?? ''
}

const fourth = (request: SignedRequest, secret: string): string | null => {
  const { verb, path, params, headers, body_hash } = request
  const named = saidOf(request, 'SignedHeaders')
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase().trim(), value.trim()]))
  const [, ...scope] = saidOf(request, 'Credential').split('/')
  const date = headers['X-Amz-Date'] ?? params['X-Amz-Date'] ?? ''
  if (scope.length !== 4 || scope[3] !== 'aws4_request' || !scope[0] || !date.startsWith(scope[0])) return null
  const lines = named
    .split(';')
    .filter((name) => lower.has(name))
    .map((name) => `${name}:${lower.get(name)}`)
  const asked = [verb.toUpperCase(), path, canonical(params), `${lines.join('\n')}\n`, named, body_hash].join('\n')
  const hashed = createHash('sha256').update(asked).digest('hex')
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), hashed].join('\n')
  return hmac(keyOf(secret, scope), text).toString('hex')
}

const isFourth = ({ headers, params }: SignedRequest): boolean =>
  headers.Authorization?.startsWith('AWS4-HMAC-SHA256') === true || params['X-Amz-Algorithm'] === 'AWS4-HMAC-SHA256'

const same = (wanted: string | null, given: string): boolean => {
  const [one, other] = [Buffer.from(wanted ?? ''), Buffer.from(given)]
  return wanted !== null && one.length === other.length && timingSafeEqual(one, other)
}

/** Whether a request was signed with a secret. Some clients leave the port of the host out. */
export const isSignedRequest = (request: SignedRequest, secret: string): boolean => {
  const of = (each: SignedRequest) =>
    each.params.SignatureVersion === '2' ? second(each, secret) : isFourth(each) ? fourth(each, secret) : null
  if (same(of(request), request.signature)) return true
  const host = request.host.replace(/:\d+$/, '')
  return host !== request.host && same(of({ ...request, host }), request.signature)
}

const S3_SERVICES = ['s3', 'iam', 'sts']

/** Whether a text was signed with a secret, as S3's API does: its first version, or the fourth. */
export const isSignedText = (text: string, signature: string, secret: string): boolean => {
  if (!text.startsWith('AWS4')) return same(createHmac('sha1', secret).update(text).digest('base64'), signature)
  const [algorithm, , place = '', ...rest] = text.split('\n')
  const scope = place.split('/')
  const fits = algorithm === 'AWS4-HMAC-SHA256' && rest.length === 1 && scope.length === 4
  if (!fits || scope[3] !== 'aws4_request' || !S3_SERVICES.includes(scope[2]!)) return false
  return same(hmac(keyOf(secret, scope), text).toString('hex'), signature)
}
