import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { deleteKept, insertKept, type KeptRow, keptById, listKept } from '../../../db/queries/identity/credentials.ts'
import { projectById, userById } from '../../../db/queries/identity/identity.ts'
import { hasRole, unauthorized } from '../../auth/policy.ts'
import { commit } from '../../broker/line/commit.ts'
import type { Context } from '../../context.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { provenBy } from '../proven.ts'
import { ownOrSystem } from '../reach.ts'
import { actionRefused, unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { LIST_LIMIT, selfLink, truncated } from '../views.ts'
import {
  assertMayDelegate,
  assertReachesKept,
  ec2Blob,
  idOfAccess,
  openBlob,
  reachedProject,
  roomFor,
  sealBlob,
} from './kept.ts'

const creation = z.object({ tenant_id: z.string().min(1).max(64) })

const MANY = '/v3/users/:user/credentials/OS-EC2'
const ONE = `${MANY}/:access`
const denial = (verb: string) => actionRefused(`identity:ec2_${verb}_credential`)

const view = (context: Context, row: KeptRow, base: string) => {
  const { access, secret, trust_id = null } = ec2Blob(openBlob(context, row))
  return {
    ...{ user_id: row.userId, tenant_id: row.projectId, access, secret, trust_id },
    links: selfLink(base, `/users/${row.userId}/credentials/OS-EC2/${access}`),
  }
}

type Asking = Pick<Input, 'context' | 'params'>

/** 404 for a user that there is not. */
const assertUser = async ({ context, params }: Asking): Promise<void> => {
  if (!(await userById(context.db, params.user!))) throw unknown('user', params.user!)
}

/**
 * The EC2 credential of an access key, to its user and to who may `role` on the system; 404 for none, whoever asks. Whose it is
 * says the row, of whom the path speaks need only be there (keystone/api/users.py).
 */
const keyOf = async (input: Input, role: 'reader' | 'admin', name: string): Promise<KeptRow> => {
  const { context, params } = input
  const caller = context.caller!
  const row = await keptById(context.db, idOfAccess(params.access!))
  if (!row) throw unknown('credential', idOfAccess(params.access!))
  const own = row.userId === caller.userId && (role === 'reader' || hasRole(caller, 'member'))
  ownOrSystem(caller, role, own, name)
  if (params.user !== row.userId) await assertUser(input)
  if (row.type !== 'ec2') throw unauthorized()
  assertReachesKept(caller, row)
  return row
}

/** Pairs of keys with which programs that speak EC2's API sign. */
export const ec2CredentialOperations: Operation[] = [
  operation({
    name: 'ec2_credential.list',
    method: 'GET',
    path: MANY,
    who: 'authenticated',
    denial: denial('list'),
    summary: "A user's EC2 credentials; of somebody else only to those who may read users.",
    status: 200,
    handle: async (input) => {
      const { context, params, base } = input
      ownOrSystem(context.caller!, 'reader', context.caller!.userId === params.user, 'ec2_credential.list')
      const projectId = reachedProject(context.caller!)
      const kept = listKept(context.db, { userId: params.user!, type: 'ec2', projectId, most: LIST_LIMIT + 1 })
      const rows = await provenBy(kept, () => assertUser(input))
      const path = `/users/${params.user}/credentials/OS-EC2`
      return truncated('credentials', rows, (row) => view(context, row, base), base, path)
    },
  }),
  operation({
    name: 'ec2_credential.create',
    method: 'POST',
    path: MANY,
    who: 'authenticated',
    denial: denial('create'),
    summary: 'Makes a pair of keys for a project in which the user has a role.',
    status: 201,
    body: creation,
    handle: async (input) => {
      const { context, params, body, base } = input
      const userId = params.user!
      const caller = context.caller!
      ownOrSystem(caller, 'admin', caller.userId === userId && hasRole(caller, 'member'), 'ec2_credential.create')
      await assertUser(input)
      assertMayDelegate(context.caller!)
      const projectId = body.tenant_id
      if (!(await projectById(context.db, projectId))) throw unknown('project', projectId)
      assertReachesKept(context.caller!, { projectId })
      // What follows from an idempotency key may be guessed: a secret may not.
      const secret = randomBytes(16).toString('hex')
      const blob = { access: context.newId().replaceAll('-', ''), secret, trust_id: null }
      const id = idOfAccess(blob.access)
      const { credential } = context.caller!
      const bound = credential ? { app_cred_id: credential.id } : {}
      const text = JSON.stringify({ ...blob, ...bound })
      const row: KeptRow = {
        id,
        userId,
        projectId,
        type: 'ec2',
        blob: sealBlob(context, id, text),
        createdAt: context.now(),
      }
      const entry = {
        action: 'create',
        kind: 'credential',
        resourceId: id,
        detail: { type: 'ec2', user: userId, fingerprint: idOfAccess(secret).slice(0, 16) },
      }
      await commitIf(context, [roomFor(userId)], entry, [insertKept(context.db, row)])
      return { body: { credential: view(context, row, base) } }
    },
  }),
  operation({
    name: 'ec2_credential.get',
    method: 'GET',
    path: ONE,
    who: 'authenticated',
    denial: denial('get'),
    summary: 'One pair of keys.',
    status: 200,
    handle: async (input) => {
      const row = await keyOf(input, 'reader', 'ec2_credential.get')
      return { body: { credential: view(input.context, row, input.base) } }
    },
  }),
  operation({
    name: 'ec2_credential.delete',
    method: 'DELETE',
    path: ONE,
    who: 'authenticated',
    denial: denial('delete'),
    summary: 'Removes a pair of keys.',
    status: 204,
    handle: async (input) => {
      const { id } = await keyOf(input, 'admin', 'ec2_credential.delete')
      const entry = { action: 'delete', kind: 'credential', resourceId: id, detail: { type: 'ec2' } }
      await commit(input.context, entry, [deleteKept(input.context.db, id)])
      return {}
    },
  }),
]
