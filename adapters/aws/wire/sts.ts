import type { Surroundings } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { translate } from '../errors.ts'
import { callSigned, type Keys } from './sign.ts'

/**
 * The two calls of the Security Token Service that the adapter needs, as signed queries.
 * https://docs.aws.amazon.com/STS/latest/APIReference/
 */

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

/**
 * The Security Token Service.
 * @param keys asked anew for every call
 * @throws by the table of errors.ts; `ambiguous` where no answer came
 */
export const connectSts = (
  where: { endpoint: string; region: string },
  keys: () => Promise<Keys>,
  surroundings: Surroundings,
): Sts => {
  const call = async (action: string, parameters: Record<string, string>): Promise<string> => {
    const answer = await callSigned({ name: 'sts', ...where }, keys, surroundings, {
      action,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: new URLSearchParams({ Action: action, Version: '2011-06-15', ...parameters }).toString(),
    })
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
