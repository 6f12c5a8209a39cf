import * as z from 'zod'
import {
  deleteDomainConfig,
  domainConfigOf,
  isOtherConfig,
  putDomainConfig,
} from '../../../db/queries/identity/domain-configs.ts'
import { DEFAULT_DOMAIN } from '../../../db/queries/identity/domains.ts'
import { isGone } from '../../../db/queries/identity/holding.ts'
import { domainConfigPlace } from '../../broker/line/sealed-places.ts'
import type { Context } from '../../context.ts'
import { openAtRest, sealAtRest } from '../../crypto/at-rest.ts'
import { badRequest, conflict, Fault, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { MANAGING_ALL, READING_ALL } from '../reach.ts'
import { actionRefused, unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import {
  askedOf,
  assertKnown,
  type Config,
  configOf,
  defaultsOf,
  invalidConfig,
  merged,
  partOf,
  shownOf,
  without,
} from './domain-options.ts'

/* https://docs.openstack.org/api-ref/identity/v3/#domain-configuration. As with a Keystone whose domains have no drivers of
   their own, which is its default: what is written here is kept and shown, and users stay where they are. */

const given = z.object({ config: z.record(z.string().max(255), z.json()) })
const MOST = 65_536

const DOMAIN = '/v3/domains/:id/config'
const DEFAULT = '/v3/domains/config'

interface Held {
  domainId: string
  /** As it is kept. */
  sealed: string | null
  config: Config
}
const heldBy = async (context: Context, domainId: string): Promise<Held> => {
  const sealed = await domainConfigOf(context.db, domainId)
  if (sealed === undefined) throw unknown('domain', domainId)
  const text = sealed === null ? '{}' : openAtRest(context, domainConfigPlace(domainId), sealed)
  if (text === null)
    throw new Fault(
      500,
      `The configuration of ${domainId} was sealed with a key that is not among PLIMSOLL_SECRET_KEY.`,
    )
  return { domainId, sealed, config: JSON.parse(text) }
}

const absent = (domainId: string, group?: string, option?: string): Fault => {
  const what = option ? `option ${option} in group ${group}` : group ? `group ${group}` : 'any options'
  return notFound(`Could not find ${what} in domain configuration for domain ${domainId}.`)
}

/** 409 where somebody else changed it since it was read. */
const keep = async (context: Context, { domainId, sealed }: Held, config: Config): Promise<void> => {
  const text = JSON.stringify(config)
  if (text.length > MOST) throw badRequest('The configuration is too large.')
  const rules = [
    { violated: isGone('domain', domainId), refusal: unknown('domain', domainId) },
    { violated: isOtherConfig(domainId, sealed), refusal: conflict('The configuration was changed meanwhile.') },
  ]
  const write = Object.keys(config).length
    ? putDomainConfig(context.db, domainId, sealAtRest(context, domainConfigPlace(domainId), text))
    : deleteDomainConfig(context.db, domainId)
  await commitIf(context, rules, { action: 'configure', kind: 'domain', resourceId: domainId }, [write])
}

/** What Keystone tells everybody of its rules for passwords; here there is none, but that one is not empty. */
const complianceOf = (domainId: string, option: string | undefined) => {
  if (domainId !== DEFAULT_DOMAIN)
    throw invalidConfig(
      'Reading security compliance information for any domain other than the default domain is not allowed or supported.',
    )
  const rules = { password_regex: null, password_regex_description: null }
  if (option === undefined) return { security_compliance: rules }
  if (!Object.hasOwn(rules, option))
    throw invalidConfig(
      'Reading security compliance values other than password_regex and password_regex_description is not allowed.',
    )
  return { [option]: null }
}

const show = async ({ context, params }: Input) => {
  const { id = '', group, option } = params
  assertKnown(group, option)
  const { config } = await heldBy(context, id)
  const part = partOf(shownOf(config), group, option)
  if (!part) throw absent(id, group, option)
  return { body: { config: part } }
}
const update = async ({ context, params, body }: Input<z.infer<typeof given>>) => {
  const { id = '', group, option } = params
  const held = await heldBy(context, id)
  const asked = askedOf(body.config, group, option)
  if (group !== undefined && !partOf(held.config, group, option)) throw absent(id, group, option)
  const changed = merged(held.config, asked)
  await keep(context, held, changed)
  return { body: { config: shownOf(changed) } }
}
const remove = async ({ context, params }: Input) => {
  const { id = '', group, option } = params
  assertKnown(group, option)
  const held = await heldBy(context, id)
  if (group !== undefined && !partOf(held.config, group, option)) throw absent(id, group, option)
  await keep(context, held, group === undefined ? {} : without(held.config, group, option))
  return {}
}

const LEVELS = [
  { end: '', name: 'domain_config', what: 'what is kept of how a domain is configured' },
  { end: '/:group', name: 'domain_config_group', what: 'a group of it' },
  { end: '/:group/:option', name: 'domain_config_option', what: 'an option of it' },
]
const denial = (verb: string) => actionRefused(`identity:${verb}_domain_config`)

export const domainConfigOperations: Operation[] = [
  operation({
    name: 'domain_config_default.get',
    method: 'GET',
    path: `${DEFAULT}/default`,
    ...READING_ALL,
    denial: denial('get'),
    summary: "Keystone's defaults for domains that are configured.",
    status: 200,
    handle: () => ({ body: { config: defaultsOf(undefined, undefined) } }),
  }),
  operation({
    name: 'domain_config_group_default.get',
    method: 'GET',
    path: `${DEFAULT}/:group/default`,
    ...READING_ALL,
    denial: denial('get'),
    summary: "A group of Keystone's defaults.",
    status: 200,
    handle: ({ params }) => ({ body: { config: defaultsOf(params.group, undefined) } }),
  }),
  operation({
    name: 'domain_config_option_default.get',
    method: 'GET',
    path: `${DEFAULT}/:group/:option/default`,
    ...READING_ALL,
    denial: denial('get'),
    summary: "An option of Keystone's defaults.",
    status: 200,
    handle: ({ params }) => ({ body: { config: defaultsOf(params.group, params.option) } }),
  }),
  ...['', '/:option'].map((end) =>
    operation({
      name: `security_compliance${end ? '_option' : ''}.get`,
      method: 'GET',
      path: `${DOMAIN}/security_compliance${end}`,
      who: 'authenticated',
      summary: 'What a password has to look like in the domain of the first start: nothing is asked of it.',
      status: 200,
      handle: ({ params }) => ({ body: { config: complianceOf(params.id!, params.option) } }),
    }),
  ),
  operation({
    name: 'domain_config.create',
    method: 'PUT',
    path: DOMAIN,
    ...MANAGING_ALL,
    denial: denial('create'),
    summary: 'Keeps, sealed, how a domain is configured. Its users stay where they are: no other directory is asked.',
    status: 201,
    body: given,
    handle: async ({ context, params, body }) => {
      const held = await heldBy(context, params.id!)
      const config = configOf(body.config)
      await keep(context, held, config)
      return { ...(held.sealed === null ? {} : { status: 200 }), body: { config: shownOf(config) } }
    },
  }),
  ...LEVELS.flatMap(({ end, name, what }) => [
    operation({
      name: `${name}.get`,
      method: 'GET',
      path: `${DOMAIN}${end}`,
      ...READING_ALL,
      denial: denial('get'),
      summary: `Shows ${what}, without passwords.`,
      status: 200,
      handle: show,
    }),
    operation({
      name: `${name}.update`,
      method: 'PATCH',
      path: `${DOMAIN}${end}`,
      ...MANAGING_ALL,
      denial: denial('update'),
      summary: `Changes ${what}.`,
      status: 200,
      body: given,
      handle: update,
    }),
    operation({
      name: `${name}.delete`,
      method: 'DELETE',
      path: `${DOMAIN}${end}`,
      ...MANAGING_ALL,
      denial: denial('delete'),
      summary: `Removes ${what}.`,
      status: 204,
      handle: remove,
    }),
  ]),
]
