import {
  EC2Client,
  type EC2ClientResolvedConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from '@aws-sdk/client-ec2'
import type { Command, HttpRequest, HttpResponse } from '@smithy/types'
import type { Connection, Surroundings } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { type Exchange, exchange } from '../../shared/fetch.ts'
import { fromSdk, translate } from '../errors.ts'
import type { Mapping, Options } from '../options.ts'
import { connectEbs, type Ebs, ebsEndpoint } from './ebs.ts'
import { connectPriceList, PRICE_LIST, type PriceList } from './price-list.ts'
import type { Keys } from './sign.ts'
import { connectSts, type Sts, stsEndpoint } from './sts.ts'

type Ec2Command<I extends ServiceInputTypes, O extends ServiceOutputTypes> = Command<
  ServiceInputTypes,
  I,
  ServiceOutputTypes,
  O,
  EC2ClientResolvedConfig
>

export interface Ec2 {
  /**
   * Sends one command, once: retrying is the broker's.
   * @throws CloudError, by the table in errors.ts
   */
  send<I extends ServiceInputTypes, O extends ServiceOutputTypes>(command: Ec2Command<I, O>): Promise<O>
  /** Cloud's clock minus ours at the last answer, in milliseconds, to the second; null before the first one. */
  skewMs(): number | null
}

/** Session keys are renewed this long before they end, so that no call starts with dying ones. */
const RENEW_BEFORE_MS = 5 * 60_000

/** The keys of the connection itself, without any role. */
const ownKeys = ({ credentials }: Connection): Keys => ({
  accessKeyId: credentials.access_key_id ?? '',
  secretAccessKey: credentials.secret_access_key ?? '',
  ...(credentials.session_token ? { sessionToken: credentials.session_token } : {}),
})

/** The name under which a role's session is kept: other keys or another external id are another session. */
const sessionKey = (connection: Connection, role: NonNullable<Mapping['role']>): string =>
  ['aws', 'session', connection.cloudId, connection.credentials.access_key_id, role.arn, role.externalId].join(' ')

/** What the SDK does not do with an answer: it takes any 200 for a good one and the request id from a header only. */
const inspect = (answer: Exchange, action: string): void => {
  const good = answer.status < 300
  const text = new TextDecoder().decode(good ? answer.body.subarray(0, 2_048) : answer.body)
  if (good && !text.includes(`<${action}Response`)) {
    throw translate(undefined, answer.status, { action, message: 'the answer is not one of EC2' })
  }
  const requestId = /<RequestI[Dd]>([^<]+)</.exec(text)?.[1]
  if (requestId) answer.headers['x-amzn-requestid'] ??= requestId
}

/** A fetch-based handler for the SDK: its own ones need Node sockets or read globals. */
const handler = (surroundings: Surroundings, onDate: (skewMs: number) => void) => ({
  metadata: { handlerProtocol: 'http/1.1' },
  async handle(request: HttpRequest): Promise<{ response: HttpResponse }> {
    const port = request.port ? `:${request.port}` : ''
    const { host: _, 'content-length': __, ...headers } = request.headers
    const started = surroundings.now()
    const answer = await exchange(surroundings, `${request.protocol}//${request.hostname}${port}${request.path}`, {
      method: request.method,
      headers,
      body: request.body,
    })
    inspect(answer, /^Action=(\w+)/.exec(String(request.body))?.[1] ?? '')
    const date = Date.parse(answer.headers.date ?? '')
    if (!Number.isNaN(date)) onDate(date - started)
    return { response: { statusCode: answer.status, headers: answer.headers, body: answer.body } as HttpResponse }
  },
  updateHttpClientConfig() {},
  httpHandlerConfigs: () => ({}),
})

/** The keys of a role's session, kept until shortly before they end. */
const sessionKeys = async (
  sts: Sts,
  role: NonNullable<Mapping['role']>,
  cacheKey: string,
  { deployment }: Connection,
  { cache, now }: Surroundings,
): Promise<Keys> => {
  const kept = cache.get(cacheKey)
  if (kept && kept.until > now()) return kept.value as Keys
  const value = await sts.assumeRole({ ...role, session: `plimsoll-${deployment}` })
  cache.set(cacheKey, { value, until: value.expiration!.getTime() - RENEW_BEFORE_MS })
  return value
}

/**
 * One connection to EC2, the direct API of EBS, and STS as one project: with the connection's own keys, or with a session
 * of the mapped role.
 * @param connection `endpoint` null: the region's public one; otherwise any EC2 endpoint, e.g. an Eucalyptus cloud's
 */
export const connectEc2 = (
  connection: Connection,
  options: Options,
  mapping: Mapping,
  surroundings: Surroundings,
): { ec2: Ec2; ebs: Ebs; sts: Sts; priceList: PriceList | null } => {
  const region = connection.region ?? ''
  const { role } = mapping
  const sts = {
    region,
    endpoint: options.stsEndpoint ?? connection.endpoint ?? stsEndpoint(region),
  }
  const own = connectSts(sts, async () => ownKeys(connection), surroundings)
  const cacheKey = role ? sessionKey(connection, role) : ''
  const keys = role ? () => sessionKeys(own, role, cacheKey, connection, surroundings) : async () => ownKeys(connection)
  let skew: number | null = null
  const client = new EC2Client({
    region,
    ...(connection.endpoint ? { endpoint: connection.endpoint } : {}),
    // Asked anew for every call; the cache above is the only one.
    credentials: Object.assign(keys, { memoized: true }),
    requestHandler: handler(surroundings, (ms) => {
      skew = ms
    }),
    maxAttempts: 1,
    systemClockOffset: surroundings.now() - Date.now(),
    // Named so that the SDK looks for none of them in the environment or in files.
    retryMode: 'standard',
    defaultsMode: 'standard',
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    userAgentAppId: 'plimsoll',
    authSchemePreference: [],
    defaultUserAgentProvider: async () => [['plimsoll', connection.deployment.replaceAll(/[^\w-]/g, '')]],
  })
  const ec2: Ec2 = {
    async send(command) {
      const action = command.constructor.name.replace(/Command$/, '')
      try {
        return await client.send(command)
      } catch (raw) {
        const error = fromSdk(raw, action)
        if (role && error !== raw && /^ExpiredToken|^RequestExpired$/.test(error.detail.cloudCode ?? '')) {
          surroundings.cache.delete(cacheKey)
          throw new CloudError('throttled', 'The cloud session is renewed.', { ...error.detail, retryAfterMs: 1_000 })
        }
        surroundings.log(error.code === 'denied' ? 'error' : 'debug', 'EC2 refused or did not answer', {
          cloud: connection.name,
          action,
          code: error.code,
          cloudCode: error.detail.cloudCode,
          requestId: error.detail.requestId,
        })
        throw error
      }
    },
    skewMs: () => skew,
  }
  const ebs = connectEbs(
    { region, endpoint: options.ebsEndpoint ?? connection.endpoint ?? ebsEndpoint(region) },
    keys,
    surroundings,
  )
  const listed = options.priceListEndpoint ?? (connection.endpoint ? null : PRICE_LIST)
  const priceList = listed === null ? null : connectPriceList(listed, keys, surroundings)
  return { ec2, ebs, priceList, sts: role ? connectSts(sts, keys, surroundings) : own }
}
