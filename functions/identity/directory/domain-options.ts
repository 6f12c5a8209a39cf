import type { Json } from '../../../adapters/contract.ts'
import { own, table } from '../../../adapters/table.ts'
import { type Fault, forbidden } from '../../http/fault.ts'

/* What a domain's configuration may say, with Keystone's defaults (keystone/resource/core.py, keystone/conf/ldap.py). */

export type ConfigOptions = Record<string, Json>
export type Config = Record<string, ConfigOptions>

// biome-ignore format: a table
const DEFAULTS: Readonly<Config> = table<ConfigOptions>({
  identity: { driver: 'sql', list_limit: null },
  ldap: {
    url: 'ldap://localhost', user: null, suffix: 'cn=example,cn=com', query_scope: 'one', page_size: 0,
    alias_dereferencing: 'default', debug_level: null, chase_referrals: null, user_tree_dn: null, user_filter: null,
    user_objectclass: 'inetOrgPerson', user_id_attribute: 'cn', user_name_attribute: 'sn', user_mail_attribute: 'mail',
    user_description_attribute: 'description', user_pass_attribute: 'userPassword', user_enabled_attribute: 'enabled',
    user_enabled_invert: false, user_enabled_mask: 0, user_enabled_default: 'True',
    user_attribute_ignore: ['default_project_id'], user_default_project_id_attribute: null,
    user_enabled_emulation: false, user_enabled_emulation_dn: null, user_enabled_emulation_use_group_config: false,
    user_additional_attribute_mapping: [], group_tree_dn: null, group_filter: null, group_objectclass: 'groupOfNames',
    group_id_attribute: 'cn', group_name_attribute: 'ou', group_members_are_ids: false, group_member_attribute: 'member',
    group_desc_attribute: 'description', group_attribute_ignore: [], group_additional_attribute_mapping: [],
    tls_cacertfile: null, tls_cacertdir: null, use_tls: false, tls_req_cert: 'demand', use_pool: true, pool_size: 10,
    pool_retry_max: 3, pool_retry_delay: 0.1, pool_connection_timeout: -1, pool_connection_lifetime: 600,
    use_auth_pool: true, auth_pool_size: 100, auth_pool_connection_lifetime: 60,
  },
})
/** What may be written and is shown to nobody. */
const HIDDEN: Readonly<Record<string, readonly string[]>> = table({ ldap: ['password'] })

/** 403 in Keystone's words. */
export const invalidConfig = (reason: string): Fault => forbidden(`Invalid domain specific configuration: ${reason}.`)

/** 403 for a group or an option that no domain's configuration has. */
export const assertKnown = (group: string | undefined, option: string | undefined): void => {
  if (group === undefined) return
  const options = own(DEFAULTS, group)
  if (!options) throw invalidConfig(`Group ${group} is not supported for domain specific configurations`)
  if (option !== undefined && !Object.hasOwn(options, option) && !own(HIDDEN, group)?.includes(option))
    throw invalidConfig(`Option ${option} in group ${group} is not supported for domain specific configurations`)
}

/** What is given, if it is groups of options that there are; 403. */
export const configOf = (given: Record<string, unknown>): Config => {
  if (!Object.keys(given).length) throw invalidConfig('No options specified')
  for (const [group, options] of Object.entries(given)) {
    if (!options || typeof options !== 'object' || Array.isArray(options) || !Object.keys(options).length)
      throw invalidConfig(`The value of group ${group} specified in the config should be a dictionary of options`)
    for (const option of Object.keys(options)) assertKnown(group, option)
  }
  return given as Config
}

/** Without what nobody is shown; groups of nothing else are left out. */
export const shownOf = (config: Config): Config =>
  table(
    Object.fromEntries(
      Object.entries(config)
        .map(([group, options]): [string, ConfigOptions] => [
          group,
          Object.fromEntries(Object.entries(options).filter(([option]) => !own(HIDDEN, group)?.includes(option))),
        ])
        .filter(([, options]) => Object.keys(options).length > 0),
    ),
  )

/** A part of a configuration as the API has it: of a group under its name, of an option under its own; undefined: there is none. */
export const partOf = (
  config: Config,
  group: string | undefined,
  option: string | undefined,
): ConfigOptions | undefined => {
  if (group === undefined) return Object.keys(config).length ? config : undefined
  const options = own(config, group)
  if (!options) return undefined
  if (option === undefined) return { [group]: options }
  return Object.hasOwn(options, option) ? { [option]: options[option] as Json } : undefined
}

/** What is so where nothing else is said. 403 for what nobody is shown. */
export const defaultsOf = (group: string | undefined, option: string | undefined): ConfigOptions => {
  assertKnown(group, option)
  const part = partOf(DEFAULTS, group, option)
  if (!part) throw invalidConfig(`Reading the default for option ${option} in group ${group} is not supported`)
  return part
}

/** A configuration with what is given in place of what it said. */
export const merged = (had: Config, given: Config): Config =>
  table({
    ...had,
    ...Object.fromEntries(Object.entries(given).map(([group, options]) => [group, { ...own(had, group), ...options }])),
  })

/** A configuration without a group, or an option of it. */
export const without = (had: Config, group: string, option: string | undefined): Config => {
  const { [group]: options = {}, ...others } = had
  if (option === undefined) return others
  const { [option]: _, ...left } = options
  return Object.keys(left).length ? { ...others, [group]: left } : others
}

/** What an update of a group, or of an option, is given, and nothing else; 403. */
export const askedOf = (given: Record<string, unknown>, group: string | undefined, option: string | undefined) => {
  const config = configOf(group !== undefined && option !== undefined ? { [group]: given } : given)
  assertKnown(group, option)
  if (group === undefined) return config
  const [names, options] = [Object.keys(config), Object.keys(own(config, group) ?? {})]
  if (names.length !== 1 || (option !== undefined && options.length !== 1))
    throw invalidConfig(
      option === undefined
        ? `Trying to update group ${group}, so that, and only that, group must be specified in the config`
        : `Trying to update option ${option} in group ${group}, so that, and only that, option must be specified  in the config`,
    )
  if (names[0] !== group)
    throw invalidConfig(`request to update group ${group}, but config provided contains group ${names[0]} instead`)
  if (option !== undefined && options[0] !== option)
    throw invalidConfig(
      `Trying to update option ${option} in group ${group}, but config provided contains option ${options[0]} instead`,
    )
  return config
}
