import { protocolNames } from '../../../db/queries/federation/federation.ts'
import type { Person } from '../../../db/queries/identity/logins.ts'
import type { Context } from '../../context.ts'

/* Which ways to prove who one is a user has to go together (`multi_factor_auth_rules`; keystone/auth/core.py). */

/** The ways that there are here, beside those by identity providers: these are called as their protocols are. */
const METHODS = ['password', 'token', 'application_credential', 'totp', 'oauth1']

type Options = Pick<Person, 'options'>

/** The rules of a user, each of which is enough; none: anything is. */
export const rulesFor = ({ options }: Options): string[][] => {
  const { multi_factor_auth_rules: rules, multi_factor_auth_enabled: enabled } = options
  return enabled === false || !Array.isArray(rules) ? [] : (rules as string[][])
}

/**
 * Whether a user has proved enough. Of a rule that counts which there is a way for: one that is for other ways alone binds
 * nobody, and where all are such nobody is kept out.
 */
export const isEnough = async ({ db }: Pick<Context, 'db'>, user: Options, methods: string[]): Promise<boolean> => {
  const asked = rulesFor(user)
  const known = asked.flat().every((method) => METHODS.includes(method))
    ? METHODS
    : [...METHODS, ...(await protocolNames(db))]
  const rules = asked.map((rule) => rule.filter((method) => known.includes(method))).filter((rule) => rule.length > 0)
  return rules.length === 0 || rules.some((rule) => rule.every((method) => methods.includes(method)))
}
