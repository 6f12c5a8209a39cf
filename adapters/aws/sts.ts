import { Sha256 } from '@smithy/core/checksum'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Surroundings } from '../contract.ts'
import { CloudError } from '../errors.ts'
import { exchange } from '../shared/fetch.ts'
import { translate } from './errors.ts'

/**
 * The two calls of the Security Token Service that the adapter needs, as signed queries.
 * https://docs.aws.amazon.com/STS/latest/APIReference/
 */

export interface Keys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
  expiration?: Date
}

export interface Sts {
  /** @returns the account number that the keys belong to */
  account(): Promise<string>
  /** @returns session keys with their expiry */
  assumeRole(role: { arn: string; externalId: string; session: string }): Promise<Keys>
}

/** Session names are 2 to 64 of these characters. */
const sessionName = (text: string): string => text.replaceAll(/[^\w+=,.@-]/g, '-').slice(0, 64)

/** The text of the first `<name>` element; STS answers have no attributes, no CDATA and no nesting of equal names. */
const element = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`)
    .exec(xml)?.[1]
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')

/** The regional endpoint: sessions from the global one are not valid in every region. */
export const stsEndpoint = (region: string): string =>
  `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`

export const connectSts = (
  where: { endpoint: string; region: string },
  keys: () => Promise<Keys>,
  surroundings: Surroundings,
): Sts => {
  const call = async (action: string, parameters: Record<string, string>): Promise<string> => {
    const url = new URL(where.endpoint)
    const body = new URLSearchParams({ Action: action, Version: '2011-06-15', ...parameters }).toString()
    const signer = new SignatureV4({ credentials: await keys(), region: where.region, service: 'sts', sha256: Sha256 })
    const signed = await signer.sign(
      {
        method: 'POST',
        protocol: url.protocol,
        hostname: url.hostname,
        port: url.port ? Number(url.port) : undefined,
        path: url.pathname,
        query: {},
        headers: { host: url.host, 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
        body,
      },
      { signingDate: new Date(surroundings.now()) },
    )
    const { host: _, ...headers } = signed.headers
    let answer: Awaited<ReturnType<typeof exchange>>
    try {
      answer = await exchange(surroundings, url.href, { method: 'POST', headers, body })
    } catch (cause) {
      throw translate(undefined, undefined, { action, message: String(cause), cause })
    }
    const xml = new TextDecoder().decode(answer.body)
    if (answer.status === 200) return xml
    throw translate(element(xml, 'Code'), answer.status, {
      action,
      message: element(xml, 'Message'),
      requestId: element(xml, 'RequestId'),
    })
  }
  const need = (xml: string, name: string, action: string): string => {
    const value = element(xml, name)
    if (value) return value
    // Neither call changes anything that lasts, so a broken answer may simply be asked for again.
    throw new CloudError('ambiguous', 'The cloud did not give a clear answer.', {
      operatorMessage: `${action}: the answer has no ${name}`,
    })
  }
  return {
    account: async () => need(await call('GetCallerIdentity', {}), 'Account', 'GetCallerIdentity'),
    async assumeRole({ arn, externalId, session }) {
      const action = 'AssumeRole'
      const xml = await call(action, {
        RoleArn: arn,
        ExternalId: externalId,
        RoleSessionName: sessionName(session),
        DurationSeconds: '3600',
      })
      return {
        accessKeyId: need(xml, 'AccessKeyId', action),
        secretAccessKey: need(xml, 'SecretAccessKey', action),
        sessionToken: need(xml, 'SessionToken', action),
        expiration: new Date(need(xml, 'Expiration', action)),
      }
    },
  }
}
