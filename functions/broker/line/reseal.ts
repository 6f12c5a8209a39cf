import { replaceSecret, type Secret, staleSecrets } from '../../../db/queries/line/secrets.ts'
import type { Context } from '../../context.ts'
import { headsAtRest, resealAtRest } from '../../crypto/at-rest.ts'
import {
  accessTokenPlace,
  answerPlace,
  askedPlace,
  burstDataPlace,
  consumerPlace,
  credentialPlace,
  domainConfigPlace,
  previousSecretPlace,
  requestTokenPlace,
  userDataPlace,
  webhookPlace,
} from './sealed-places.ts'

/** Every place of the database where secrets of users are sealed. */
const SECRETS: Secret[] = [
  {
    table: 'servers',
    row: 'servers.id',
    owner: 'servers.id',
    value: 'user_data',
    where: 'user_data is not null',
    set: 'user_data = anew.sealed',
    place: userDataPlace,
  },
  {
    table: 'bindings',
    row: 'bindings.rowid',
    owner: 'resource_id',
    value: `frozen ->> 'userData'`,
    where: `kind = 'server' and frozen ->> 'userData' is not null`,
    set: `frozen = json_set(frozen, '$.userData', anew.sealed)`,
    place: userDataPlace,
  },
  {
    table: 'bursts',
    row: 'bursts.id',
    owner: 'bursts.id',
    value: 'user_data',
    where: 'user_data is not null',
    set: 'user_data = anew.sealed',
    place: burstDataPlace,
  },
  {
    table: 'credentials',
    row: 'credentials.id',
    owner: 'credentials.id',
    value: 'blob',
    where: '1',
    set: 'blob = anew.sealed',
    place: credentialPlace,
  },
  ...(
    [
      ['consumers', consumerPlace],
      ['request_tokens', requestTokenPlace],
      ['access_tokens', accessTokenPlace],
    ] as const
  ).map(
    ([table, place]): Secret => ({
      ...{ table, row: `${table}.id`, owner: `${table}.id`, value: 'secret', where: '1' },
      ...{ set: 'secret = anew.sealed', place },
    }),
  ),
  {
    table: 'domain_configs',
    row: 'domain_configs.domain_id',
    owner: 'domain_configs.domain_id',
    value: 'config',
    where: '1',
    set: 'config = anew.sealed',
    place: domainConfigPlace,
  },
  {
    table: 'repeatables',
    row: 'repeatables.key',
    owner: 'repeatables.key',
    value: 'body_hash',
    where: 'body_hash is not null',
    set: 'body_hash = anew.sealed',
    place: askedPlace,
  },
  {
    table: 'repeatables',
    row: 'repeatables.key',
    owner: 'repeatables.key',
    value: 'answer',
    where: 'answer is not null',
    set: 'answer = anew.sealed',
    place: answerPlace,
  },
  {
    table: 'webhooks',
    row: 'webhooks.id',
    owner: 'webhooks.id',
    value: 'secret',
    where: 'secret is not null',
    set: 'secret = anew.sealed',
    place: webhookPlace,
  },
  {
    table: 'webhooks',
    row: 'webhooks.id',
    owner: 'webhooks.id',
    value: 'previous_secret',
    where: 'previous_secret is not null',
    set: 'previous_secret = anew.sealed',
    place: previousSecretPlace,
  },
]

/** So many at a time, because each may be as large as a body, and so many of each place in a turn. */
const PAGE = 8
const MOST = 400

/** Seals under today's first key what an older key sealed, or an older version of this program left in the clear. */
export const resealSecrets = async (context: Context): Promise<void> => {
  const { today, older } = headsAtRest(context)
  for (const secret of SECRETS)
    for (let done = 0; done < MOST; done += PAGE) {
      const stale = await staleSecrets(context.db, secret, { today, older, limit: PAGE })
      const anew = stale.flatMap((kept) => {
        const sealed = resealAtRest(context, secret.place(kept.owner), kept.value)
        return sealed === null ? [] : [replaceSecret(context.db, secret, kept, sealed)]
      })
      if (anew.length < stale.length)
        context.log('warn', 'secrets do not open', { table: secret.table, rows: stale.length - anew.length })
      const [first, ...rest] = anew
      if (first) await context.db.batch([first, ...rest])
      if (anew.length < PAGE) break
    }
}
