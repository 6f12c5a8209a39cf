import { Fault } from '../../http/fault.ts'
import type { Input } from '../../http/operation.ts'
import { isFirstUse } from '../proofs/once.ts'
import { missing } from '../refusals.ts'
import { isSigned, oauthOf } from './signature.ts'

/** So far may the clock of a client be from ours, and so long is a signature remembered: as oauthlib has it. */
const SKEW = 600_000

type Headers = Record<string, string>

/** What a signed request says, with these names among it; 400 for one that is missing. */
export const signedHeaders = ({ request }: Pick<Input, 'request'>, ...names: string[]): Headers => {
  const oauth = oauthOf(request.headers) ?? {}
  for (const name of names) if (!oauth[name]) throw missing(name, 'request')
  return oauth
}

export const unsigned = (why = 'Invalid signature'): Fault => new Fault(401, why)

/** 401 unless the request was signed just now, with these secrets, and for the first time. */
export const assertSigned = async (
  { context, request, origin }: Pick<Input, 'context' | 'request' | 'origin'>,
  oauth: Headers,
  secrets: { consumer: string | null; token: string | null },
): Promise<void> => {
  const { oauth_timestamp: time = '', oauth_nonce: nonce = '', oauth_version: version = '1.0' } = oauth
  const [at, now] = [Number(time) * 1000, context.now()]
  if (version !== '1.0' || !/^\d{1,12}$/.test(time) || !/^[\w-]{1,128}$/.test(nonce)) throw unsigned()
  if (Math.abs(now - at) > SKEW || secrets.consumer === null || secrets.token === null) throw unsigned()
  const { pathname, search } = new URL(request.url)
  const signed = { oauth, secrets: { consumer: secrets.consumer, token: secrets.token }, method: 'POST' }
  if (!isSigned({ ...signed, url: origin + pathname + search })) throw unsigned()
  const what = `oauth1 ${oauth.oauth_consumer_key} ${oauth.oauth_token ?? ''} ${time} ${nonce}`
  if (!(await isFirstUse(context, what, at + 2 * SKEW))) throw unsigned()
}
