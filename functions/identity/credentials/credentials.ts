import * as z from 'zod'
import {
  deleteKept,
  insertKept,
  type KeptRow,
  keptById,
  listKept,
  updateKept,
} from '../../../db/queries/identity/credentials.ts'
import { projectById, userById } from '../../../db/queries/identity/identity.ts'
import { commit } from '../../broker/line/commit.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context } from '../../context.ts'
import { badRequest, conflict } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { ownOr } from '../reach.ts'
import { missing, unknown } from '../refusals.ts'
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

const fields = {
  blob: z.string().min(1).max(65_536),
  type: z.string().min(1).max(255),
  user_id: z.string().min(1).max(64),
  project_id: z.string().min(1).max(64).nullish(),
}
const creation = z.object({ credential: z.object({ ...fields, user_id: fields.user_id.optional() }) })
const change = z.object({ credential: z.object(fields).partial() })

const view = (context: Context, row: KeptRow, base: string) => ({
  ...{ id: row.id, user_id: row.userId, project_id: row.projectId, type: row.type, blob: openBlob(context, row) },
  links: selfLink(base, `/credentials/${row.id}`),
})

/** The credential of an id, to its user and to who may `role` on the system. 403 to others, be it there or not. */
const keptFor = async (context: Context, id: string, role: 'reader' | 'admin', name: string): Promise<KeptRow> => {
  const caller = context.caller!
  const row = await keptById(context.db, id)
  ownOr(caller, role, row?.userId === caller.userId, null, name)
  if (!row) throw unknown('credential', id)
  assertReachesKept(caller, row)
  return row
}

const assertThere = async ({ db }: Context, { userId, projectId }: Pick<KeptRow, 'userId' | 'projectId'>) => {
  if (!(await userById(db, userId))) throw unknown('user', userId)
  if (projectId !== null && !(await projectById(db, projectId))) throw unknown('project', projectId)
}

const ONE = '/v3/credentials/:id'
/** What of an EC2 credential says for whom it is, and stays as it was made. */
const BOUND = ['trust_id', 'app_cred_id', 'access_token_id', 'access_id']

/** What users keep here: keys of EC2, seeds, certificates. Sealed in the database. */
export const credentialOperations: Operation[] = [
  operation({
    name: 'credential.list',
    method: 'GET',
    path: '/v3/credentials',
    who: 'authenticated',
    summary:
      'The credentials of the caller, to those who may read users all, a thousand at most; filters `user_id` and `type`.',
    status: 200,
    handle: async ({ context, query, base }) => {
      const caller = context.caller!
      const all = caller.isAdmin || (caller.system && caller.roles.includes('reader'))
      const asked = query.user_id
      const userId = all ? asked : caller.userId
      const others = asked !== undefined && asked !== userId
      const filter = { userId, type: query.type, projectId: reachedProject(caller), most: LIST_LIMIT + 1 }
      const rows = others ? [] : await listKept(context.db, filter)
      return truncated('credentials', rows, (row) => view(context, row, base), base, '/credentials')
    },
  }),
  operation({
    name: 'credential.create',
    method: 'POST',
    path: '/v3/credentials',
    who: 'authenticated',
    summary:
      'Keeps a credential of the caller; of somebody else only for admins. It is sealed. A user keeps a hundred at most.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { credential }, base }) => {
      const caller = context.caller!
      const userId = credential.user_id ?? caller.userId
      ownOr(caller, 'admin', userId === caller.userId, null, 'credential.create')
      const ec2 = credential.type.toLowerCase() === 'ec2'
      if (ec2) assertMayDelegate(caller)
      const place = { userId, projectId: credential.project_id ?? null }
      assertReachesKept(caller, place)
      if (ec2 && place.projectId === null) throw missing('project_id', 'credential')
      await assertThere(context, place)
      const blob = ec2 ? ec2Blob(credential.blob) : null
      const id = blob ? idOfAccess(blob.access) : context.newId().replaceAll('-', '')
      const bound = blob && caller.credential ? JSON.stringify({ ...blob, app_cred_id: caller.credential.id }) : null
      const text = bound ?? credential.blob
      const row: KeptRow = {
        id,
        ...place,
        type: credential.type,
        blob: sealBlob(context, id, text),
        createdAt: context.now(),
      }
      const entry = { action: 'create', kind: 'credential', resourceId: id, detail: { type: row.type, user: userId } }
      await commitIf(context, [roomFor(userId)], entry, [insertKept(context.db, row)])
      return { body: { credential: view(context, row, base) } }
    },
    refuse: (error) =>
      isTaken(error)
        ? conflict('Conflict occurred attempting to store credential - Duplicate entry found with this access key.')
        : undefined,
  }),
  operation({
    name: 'credential.get',
    method: 'GET',
    path: ONE,
    who: 'authenticated',
    summary: 'One credential of the caller; of somebody else only to those who may read users.',
    status: 200,
    handle: async ({ context, params, base }) => {
      const row = await keptFor(context, params.id!, 'reader', 'credential.get')
      return { body: { credential: view(context, row, base) } }
    },
  }),
  operation({
    name: 'credential.update',
    method: 'PATCH',
    path: ONE,
    who: 'authenticated',
    summary: 'Changes a credential of the caller; of somebody else only for admins.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { credential }, base }) => {
      const caller = context.caller!
      const row = await keptFor(context, params.id!, 'admin', 'credential.update')
      const changed: KeptRow = {
        ...row,
        type: credential.type ?? row.type,
        userId: credential.user_id ?? row.userId,
        projectId: credential.project_id === undefined ? row.projectId : credential.project_id,
        blob: credential.blob === undefined ? row.blob : sealBlob(context, row.id, credential.blob),
      }
      if (changed.type.toLowerCase() === 'ec2' && row.type.toLowerCase() !== 'ec2') {
        assertMayDelegate(caller)
        if (changed.projectId === null) throw missing('project_id', 'credential')
        ec2Blob(openBlob(context, changed))
      }
      if (row.type.toLowerCase() === 'ec2' && credential.blob !== undefined) {
        const [before, after] = [ec2Blob(openBlob(context, row)), ec2Blob(credential.blob)]
        const moved = BOUND.find((key) => before[key] !== after[key])
        if (moved) throw badRequest(`${moved} can not be updated for credential`)
      }
      ownOr(caller, 'admin', changed.userId === caller.userId, null, 'credential.update')
      assertReachesKept(caller, changed)
      await assertThere(context, changed)
      const entry = { action: 'update', kind: 'credential', resourceId: row.id }
      const rules = changed.userId === row.userId ? [] : [roomFor(changed.userId)]
      await commitIf(context, rules, entry, [updateKept(context.db, row.id, changed)])
      return { body: { credential: view(context, changed, base) } }
    },
  }),
  operation({
    name: 'credential.delete',
    method: 'DELETE',
    path: ONE,
    who: 'authenticated',
    summary: 'Removes a credential of the caller; of somebody else only for admins.',
    status: 204,
    handle: async ({ context, params }) => {
      const row = await keptFor(context, params.id!, 'admin', 'credential.delete')
      const entry = { action: 'delete', kind: 'credential', resourceId: row.id, detail: { type: row.type } }
      await commit(context, entry, [deleteKept(context.db, row.id)])
      return {}
    },
  }),
]
