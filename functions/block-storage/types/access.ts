import * as z from 'zod'
import { accessToType } from '../../../db/queries/block-storage/made-types.ts'
import { projectById } from '../../../db/queries/identity/identity.ts'
import { grantType, revokeType } from '../../broker/block-storage/made-types.ts'
import { isTaken } from '../../broker/line/refused.ts'
import { badRequest, conflict, notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { text } from '../shapes.ts'
import { madeTypeOf, typeOf } from './types.ts'

const project = z.strictObject({ project: text() })
type Action = { addProjectAccess: { project: string } } | { removeProjectAccess: { project: string } }
const action = z.union(
  [z.strictObject({ addProjectAccess: project }), z.strictObject({ removeProjectAccess: project })],
  {
    error: 'There is no such action: one of addProjectAccess and removeProjectAccess is expected',
  },
) as unknown as z.ZodType<Action>

/** Which projects use a type that is not public. https://docs.openstack.org/api-ref/block-storage/v3/#volume-type-access-types-action-types-os-volume-type-access */
export const typeAccessOperations: Operation[] = [
  operation({
    name: 'volume_type.access',
    method: 'GET',
    path: '/types/:id/os-volume-type-access',
    who: 'admin',
    summary: 'Projects that a private type is given to.',
    status: 200,
    handle: async ({ context, params }) => {
      const { made } = await typeOf(context, params.id!)
      if (made?.isPublic !== false) throw notFound('Access list not available for public volume types.')
      const projects = await accessToType(context.db, made.id)
      return {
        body: {
          volume_type_access: projects.map((project_id) => ({ volume_type_id: made.id, project_id })),
        },
      }
    },
  }),
  operation<Action>({
    name: 'volume_type.action',
    method: 'POST',
    path: '/types/:id/action',
    who: 'admin',
    summary: 'Gives a private type to a project, or takes it away.',
    status: 202,
    body: action,
    handle: async (input) => {
      const { context, body } = input
      const type = await madeTypeOf(input)
      const adds = 'addProjectAccess' in body
      const { project: projectId } = adds ? body.addProjectAccess : body.removeProjectAccess
      if (type.isPublic)
        throw badRequest('Invalid volume type: Type access modification is not applicable to public volume type.')
      if (adds) {
        if (!(await projectById(context.db, projectId)))
          throw badRequest(`Project ID ${projectId} is not a valid project.`)
        await grantType(context, type, projectId)
        return {}
      }
      if (!(await accessToType(context.db, type.id)).includes(projectId))
        throw notFound(`Volume type access not found for ${type.id} / ${projectId} combination.`)
      await revokeType(context, type, projectId)
      return {}
    },
    refuse: (error, { params, body }) =>
      isTaken(error) && 'addProjectAccess' in body
        ? conflict(`Volume type access for ${params.id} / ${body.addProjectAccess.project} combination already exists.`)
        : undefined,
  }),
]
