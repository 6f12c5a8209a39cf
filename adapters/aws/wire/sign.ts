import { Sha256 } from '@smithy/core/checksum'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Surroundings } from '../../contract.ts'
import { type Exchange, exchange } from '../../shared/fetch.ts'
import { translate } from '../errors.ts'

/** Keys of an account, or of a session until `expiration`. */
export interface Keys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
  expiration?: Date
}

/** A service of AWS that is spoken to without its SDK. */
export interface Service {
  /** Its name in signatures: `sts`, `ebs`. */
  name: string
  endpoint: string
  region: string
}

export interface Call {
  /** As IAM names it. */
  action: string
  method: 'GET' | 'POST' | 'PUT'
  /** Below the endpoint; left out: the endpoint itself. */
  path?: string
  headers: Record<string, string>
  body: string | Uint8Array
}

/**
 * One signed call, sent once. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 * @throws `ambiguous` when no answer came; what an answer says is for the caller
 */
export const callSigned = async (
  service: Service,
  keys: () => Promise<Keys>,
  surroundings: Surroundings,
  { action, method, path, headers, body }: Call,
): Promise<Exchange> => {
  const url = new URL(path === undefined ? service.endpoint : service.endpoint.replace(/\/$/, '') + path)
  const signer = new SignatureV4({
    credentials: await keys(),
    region: service.region,
    service: service.name,
    sha256: Sha256,
  })
  const signed = await signer.sign(
    {
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      port: url.port ? Number(url.port) : undefined,
      path: url.pathname,
      query: {},
      headers: { host: url.host, ...headers },
      body,
    },
    { signingDate: new Date(surroundings.now()) },
  )
  const { host: _, ...sent } = signed.headers
  try {
    return await exchange(surroundings, url.href, { method, headers: sent, body })
  } catch (cause) {
    throw translate(undefined, undefined, { action, message: String(cause), cause })
  }
}
