import type { Person } from '../../../db/queries/identity/logins.ts'

/* Which ways to prove who one is a user has to go together (`multi_factor_auth_rules`; keystone/auth/core.py). */

/** The ways that there are here. */
const METHODS = ['password', 'token', 'application_credential', 'totp', 'oauth1', 'mapped']

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
export const isEnough = (user: Options, methods: string[]): boolean => {
  const rules = rulesFor(user)
    .map((rule) => rule.filter((method) => METHODS.includes(method)))
    .filter((rule) => rule.length > 0)
  return rules.length === 0 || rules.some((rule) => rule.every((method) => methods.includes(method)))
}
