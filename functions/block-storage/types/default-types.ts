import * as z from 'zod'
import { defaultTypeOf, defaultTypes } from '../../../db/queries/block-storage/made-types.ts'
import { projectById } from '../../../db/queries/identity/identity.ts'
import { sayDefaultType } from '../../broker/block-storage/made-types.ts'
import { notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { text } from '../shapes.ts'
import { typeOf } from './types.ts'

type Set = { default_type: { volume_type: string } }
const set = z.strictObject({
  default_type: z.strictObject({ volume_type: text().min(1) }),
}) as unknown as z.ZodType<Set>

const SINCE = 62
const view = (project_id: string, volume_type_id: string) => ({ project_id, volume_type_id })

/** What type volumes of a project have that name none. https://docs.openstack.org/api-ref/block-storage/v3/#default-volume-types-default-types */
export const defaultTypeOperations: Operation[] = [
  operation({
    name: 'default_type.list',
    method: 'GET',
    path: '/default-types',
    who: 'admin',
    summary: 'Projects whose volumes have a type by default, with the type.',
    status: 200,
    since: SINCE,
    handle: async ({ context }) => ({
      body: {
        default_types: (await defaultTypes(context.db)).map(({ projectId, typeId }) => view(projectId, typeId)),
      },
    }),
  }),
  operation({
    name: 'default_type.show',
    method: 'GET',
    path: '/default-types/:id',
    who: 'admin',
    summary: 'The type that volumes of a project have by default.',
    status: 200,
    since: SINCE,
    handle: async ({ context, params }) => {
      const typeId = await defaultTypeOf(context.db, params.id!)
      if (typeId === null) throw notFound(`Default type for project ${params.id} not found.`)
      return { body: { default_type: view(params.id!, typeId) } }
    },
  }),
  operation<Set>({
    name: 'default_type.set',
    method: 'PUT',
    path: '/default-types/:id',
    who: 'admin',
    summary: 'Says what type volumes of a project have that name none.',
    status: 200,
    since: SINCE,
    body: set,
    handle: async ({ context, params, body }) => {
      const id = params.id!
      const type = await typeOf(context, body.default_type.volume_type)
      if (!(await projectById(context.db, id))) throw notFound(`Project ${id} could not be found.`)
      await sayDefaultType(context, id, type.id)
      return { body: { default_type: view(id, type.id) } }
    },
  }),
  operation({
    name: 'default_type.unset',
    method: 'DELETE',
    path: '/default-types/:id',
    who: 'admin',
    summary: 'Volumes of a project have what each cloud takes by default again.',
    status: 204,
    since: SINCE,
    handle: async ({ context, params }) => {
      if ((await defaultTypeOf(context.db, params.id!)) === null)
        throw notFound(`Default type for project ${params.id} not found.`)
      await sayDefaultType(context, params.id!, null)
      return {}
    },
  }),
]
