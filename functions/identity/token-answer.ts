import { groupsSaidOf, type ShownToken } from '../../db/queries/identity/tokens.ts'
import { rulesOfToken } from '../auth/caller.ts'
import { sealToken, type Token } from '../auth/token.ts'
import type { Context, TokenCredential, TokenTrust } from '../context.ts'
import { keyring } from '../crypto/keyring.ts'
import type { Answer, Input } from '../http/operation.ts'
import type { Service } from '../http/service.ts'
import type { Proven } from './authenticate.ts'
import { catalogText } from './catalog.ts'
import { ownOf } from './catalogue/own.ts'
import { expiryView } from './expiry.ts'
import { issue } from './issue.ts'
import { keystoneTime } from './views.ts'

/** What a token is shown with and does not carry. */
export type Names = Omit<ShownToken, 'left' | 'readers'>

/** The same claims give the same body, whenever they are shown: a client compares what it got with what it looks up. */
const view = (token: Token, names: Names) => {
  const common = {
    methods: token.methods,
    user: {
      domain: { id: token.userDomainId, name: names.userDomain },
      id: token.userId,
      name: token.userName,
      password_expires_at: names.passwordExpiresAt === null ? null : expiryView(names.passwordExpiresAt * 1000),
      ...(token.federation ? { 'OS-FEDERATION': federationView(token.federation, names) } : {}),
    },
    audit_ids: [token.auditId],
    expires_at: keystoneTime(token.expiresAt),
    issued_at: keystoneTime(token.issuedAt),
    ...(token.credential ? { application_credential: credentialView(token.credential, token.accessRules) } : {}),
    ...(token.oauth ? { 'OS-OAUTH1': oauthView(token.oauth) } : {}),
    ...(token.trust ? { 'OS-TRUST:trust': trustView(token.trust) } : {}),
  }
  if (token.system) return { ...common, system: { all: true }, roles: names.roles }
  if (token.domain) return { ...common, domain: domainOf(token.domain), roles: names.roles }
  if (!token.projectId) return common
  return {
    ...common,
    project: {
      domain: { id: token.projectDomainId, name: names.projectDomain },
      id: token.projectId,
      name: token.projectName,
    },
    is_domain: false,
    roles: names.roles,
  }
}

const domainOf = ({ id, name }: NonNullable<Token['domain']>) => ({ id, name })

const trustView = ({ id, trustorId, trusteeId, impersonation }: TokenTrust) => ({
  id,
  impersonation,
  trustor_user: { id: trustorId },
  trustee_user: { id: trusteeId },
})

const credentialView = ({ id, name, unrestricted }: TokenCredential, rules: Token['accessRules']) => ({
  id,
  name,
  restricted: !unrestricted,
  ...(rules ? { access_rules: rules } : {}),
})

const oauthView = ({ id, consumerId }: NonNullable<Token['oauth']>) => ({
  access_token_id: id,
  consumer_id: consumerId,
})

const federationView = ({ idpId, protocolId }: NonNullable<Token['federation']>, { groups }: Names) => ({
  identity_provider: { id: idpId },
  protocol: { id: protocolId },
  groups: groups.map((id) => ({ id })),
})

/** A token with what alone it may be used for. */
export const withRules = async (context: Context, token: Token): Promise<Token> => {
  const accessRules = await rulesOfToken(context, token)
  return accessRules ? { ...token, accessRules } : token
}

/** Other clouds of an operator's that are enabled, as every token lists them (keystone/common/render_token.py); none: nothing. */
const providersText = async (context: Context): Promise<string> => {
  const enabled = (await ownOf(context)).providers.filter((each) => each.enabled)
  const shown = enabled.map(({ id, authUrl, spUrl }) => ({ id, auth_url: authUrl, sp_url: spUrl }))
  return shown.length ? `,"service_providers":${JSON.stringify(shown)}` : ''
}

/** A token as JSON, with the catalogue where it is for something and the query does not ask for it without. */
export const tokenText = async (
  services: Service[],
  { context, origin, queries }: Pick<Input, 'context' | 'origin' | 'queries'>,
  token: Token,
  names: Names,
): Promise<string> => {
  const text = JSON.stringify(view(token, names)).slice(0, -1) + (await providersText(context))
  const scoped = token.projectId || token.domain || token.system
  if (!scoped || queries.has('nocatalog')) return `{"token":${text}}}`
  const place = { origin, region: context.settings.region }
  const catalog = await catalogText(context, services, place, token.projectId)
  return `{"token":${text},"catalog":${catalog}}}`
}

/** A new token, for what was proved, and its text. */
export const tokenFor = async (
  context: Context,
  proven: Proven,
): Promise<{ token: Token; names: Names; text: string }> => {
  const { user, entry, methods, ends, credential, trust, oauth, federation } = proven
  const issued = issue(context, {
    ...{ user, entry, methods },
    ...(ends === null ? {} : { expiresAt: ends }),
    ...(credential ? { credential } : {}),
    ...(trust ? { trust } : {}),
    ...(oauth ? { oauth } : {}),
    ...(federation ? { federation } : {}),
  })
  const names: Names = {
    userDomain: user.domainName,
    projectDomain: entry?.place.domainName ?? '',
    roles: entry?.roles ?? [],
    passwordExpiresAt: user.passwordExpiresAt,
    groups: federation ? await groupsSaidOf(context.db, user.id, federation.idpId) : [],
  }
  const token = await withRules(context, issued)
  return { token, names, text: sealToken(token, keyring(context.settings.secretKeys, 'token')) }
}

/** The answer with a new token. */
export const answerWith = async (
  services: Service[],
  input: Pick<Input, 'context' | 'origin' | 'queries'>,
  proven: Proven,
): Promise<Answer> => {
  const { token, names, text } = await tokenFor(input.context, proven)
  return {
    headers: { 'X-Subject-Token': text, Vary: 'X-Auth-Token' },
    json: await tokenText(services, input, token, names),
  }
}
