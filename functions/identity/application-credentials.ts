import * as z from 'zod'
import {
  accessRulesOf,
  type CredentialRead,
  type CredentialRow,
  credentialById,
  credentialsOf,
  deleteCredential,
  insertCredential,
  rulesOf,
} from '../../db/queries/identity/application-credentials.ts'
import { listRoles, type RoleRow } from '../../db/queries/identity/identity.ts'
import { type Inference, inferences } from '../../db/queries/identity/implied-roles.ts'
import { lookUp } from '../../db/queries/identity/logins.ts'
import { newSecret } from '../auth/secret.ts'
import { commit } from '../broker/line/commit.ts'
import { isTaken } from '../broker/line/refused.ts'
import type { Caller, Context } from '../context.ts'
import { badRequest, forbidden, notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { ruleBody, rulesFor } from './access-rules.ts'
import { keep } from './check-secret.ts'
import { expiryView, parseExpiry } from './expiry.ts'
import { inexactly } from './filters.ts'
import { nameText } from './properties.ts'
import { ownOrSystem } from './reach.ts'
import { actionDenied, actionRefused, duplicate, unknown } from './refusals.ts'
import { roleFields } from './roles.ts'
import { collection, selfLink } from './views.ts'

/** keystone/application_credential/schema.py */
const role = z.union([z.strictObject({ id: z.string().min(1).max(64) }), z.strictObject({ name: nameText })])
const creation = z.strictObject({
  application_credential: z.strictObject({
    name: nameText,
    description: z.string().max(16_384).nullish(),
    secret: z.string().max(4096).nullish(),
    expires_at: z.string().max(64).nullish(),
    roles: z.array(role).max(100).optional(),
    unrestricted: z.boolean().nullish(),
    access_rules: z.array(ruleBody).max(100).optional(),
    project_id: z.string().optional(),
    system: z.null().optional(),
  }),
})

const MANY = '/v3/users/:user/application_credentials'
const ONE = `${MANY}/:id`

const invalid = (detail: string) => badRequest(`Invalid application credential: ${detail}`)

const view = (row: CredentialRead, base: string) => ({
  id: row.id,
  name: row.name,
  description: row.description,
  user_id: row.userId,
  project_id: row.projectId,
  system: null,
  expires_at: row.expiresAt === null ? null : expiryView(row.expiresAt),
  unrestricted: row.unrestricted,
  roles: row.granted.map(roleFields),
  ...(row.rules.length ? { access_rules: row.rules } : {}),
  links: selfLink(base, `/users/${row.userId}/application_credentials/${row.id}`),
})

/** 403 for tokens that were lent, or got by a credential which may not do this (keystone/api/users.py). */
const assertUnrestricted = ({ credential, trust, oauth }: Caller): void => {
  if (oauth) throw forbidden('Cannot manage application credentials with a token issued via delegation.')
  if (trust)
    throw forbidden(
      actionRefused('Using a trust-scoped token is not allowed for managing additional application credentials.'),
    )
  if (credential && !credential.unrestricted)
    throw forbidden(
      actionRefused(
        "Using method 'application_credential' is not allowed for managing additional application credentials.",
      ),
    )
}

/** The credential, to its user and to who may `role` on the system: whose it is says the row, not the path. */
const credentialFor = async (
  { db, caller }: Context,
  { user, id }: Record<string, string>,
  role: 'reader' | 'admin',
  name: string,
): Promise<CredentialRead> => {
  const row = await credentialById(db, id!)
  const owner = row?.userId ?? user
  ownOrSystem(caller!, role, caller!.userId === owner, name)
  if (!row) throw unknown('Application Credential', id!)
  return row
}

/** The roles that are asked for, with those that they imply, out of those that are had; all of these where none is named. */
const rolesFor = (asked: z.infer<typeof role>[], names: string[], all: RoleRow[], known: Inference[]): RoleRow[] => {
  const had = all.filter(({ name }) => names.includes(name))
  if (asked.length === 0) return had
  const ids = asked.map((each) => {
    const found = all.find((row) => ('id' in each ? row.id === each.id : row.name === each.name))
    if (!found && 'name' in each) throw notFound(`Role ${each.name} is not defined`)
    return found?.id ?? ''
  })
  // A set that grows while it is gone along.
  const wanted = new Set(ids)
  for (const id of wanted) for (const { prior, implied } of known) if (prior.id === id) wanted.add(implied.id)
  if (![...wanted].every((id) => had.some((row) => row.id === id)))
    throw invalid('Cannot create an application credential with unassigned role')
  return had.filter(({ id }) => wanted.has(id))
}

/** What may be handed on: by name whatever the user has by now, unless the token was lent some of it; else the token's. */
const rolesHad = async ({ db, caller }: Context, named: number): Promise<string[]> => {
  const { userId, projectId, roles, credential } = caller!
  if (!named || credential) return roles
  const { entry } = await lookUp(db, { id: userId }, { project: { id: projectId } })
  return entry?.roles.map(({ name }) => name) ?? []
}

export const applicationCredentialOperations: Operation[] = [
  operation({
    name: 'application_credential.list',
    method: 'GET',
    path: MANY,
    who: 'authenticated',
    summary:
      "A user's application credentials; filter `name`, exact or not; of somebody else only to admins and to readers of the system.",
    status: 200,
    handle: async ({ context, params, query, queries, base }) => {
      const user = params.user!
      ownOrSystem(context.caller!, 'reader', context.caller!.userId === user, 'application_credential.list')
      const rows = await credentialsOf(context.db, user, query.name)
      const views = rows.map((row) => view(row, base))
      const path = `/users/${user}/application_credentials`
      return collection('application_credentials', inexactly(queries, ['name'], views), base, path)
    },
  }),
  operation({
    name: 'application_credential.create',
    method: 'POST',
    path: MANY,
    who: 'authenticated',
    summary:
      'Makes an application credential for the project of the token. Its secret is shown once; one is made if none is given.',
    status: 201,
    body: creation,
    handle: async ({ context, params, body: { application_credential: asked }, base }) => {
      const { db } = context
      const caller = context.caller!
      if (caller.userId !== params.user || !caller.projectId)
        throw forbidden(actionDenied('application_credential.create'))
      assertUnrestricted(caller)
      if (asked.project_id !== undefined && asked.project_id !== caller.projectId)
        throw invalid(`It is for the project of the token, ${caller.projectId}.`)
      const [all, implied, known] = await Promise.all([
        listRoles(db, { domainId: '' }),
        inferences(db),
        asked.access_rules?.length ? accessRulesOf(db, caller.userId) : [],
      ])
      const roles = rolesFor(asked.roles ?? [], await rolesHad(context, asked.roles?.length ?? 0), all, implied)
      const rules = rulesFor(asked.access_rules ?? [], known, context)
      const expiresAt = asked.expires_at == null ? null : parseExpiry(asked.expires_at, context.now())
      const id = context.newId().replaceAll('-', '')
      const secret = asked.secret || newSecret()
      const row: CredentialRow = {
        id,
        userId: caller.userId,
        projectId: caller.projectId,
        name: asked.name,
        description: asked.description ?? null,
        secretHash: await keep(context, id, secret, !asked.secret),
        roles: roles.map((each) => each.id),
        expiresAt,
        unrestricted: asked.unrestricted ?? false,
        createdAt: context.now(),
      }
      // The end of the MAC, so that a repetition never passes for the first with another secret in its answer.
      const fingerprint = asked.secret ? '' : row.secretHash.slice(-16)
      const detail = { name: row.name, fingerprint }
      const entry = { action: 'create', kind: 'application_credential', resourceId: id, detail }
      await commit(context, entry, [...insertCredential(db, row, rules)])
      const made = { ...row, granted: roles, rules: rules.length ? await rulesOf(db, id) : [] }
      return { body: { application_credential: { ...view(made, base), secret } } }
    },
    refuse: (error, { body: { application_credential: asked } }) =>
      isTaken(error) ? duplicate('application_credential', asked.name) : undefined,
  }),
  operation({
    name: 'application_credential.get',
    method: 'GET',
    path: ONE,
    who: 'authenticated',
    summary:
      'One application credential, without its secret; of somebody else only to admins and to readers of the system.',
    status: 200,
    handle: async ({ context, params, base }) => {
      const row = await credentialFor(context, params, 'reader', 'application_credential.get')
      return { body: { application_credential: view(row, base) } }
    },
  }),
  operation({
    name: 'application_credential.delete',
    method: 'DELETE',
    path: ONE,
    who: 'authenticated',
    summary: 'Removes an application credential, and all tokens that were got by it.',
    status: 204,
    handle: async ({ context, params }) => {
      const row = await credentialFor(context, params, 'admin', 'application_credential.delete')
      assertUnrestricted(context.caller!)
      const entry = { action: 'delete', kind: 'application_credential', resourceId: row.id, detail: { name: row.name } }
      await commit(context, entry, [...deleteCredential(context.db, row.id)])
      return {}
    },
  }),
]
