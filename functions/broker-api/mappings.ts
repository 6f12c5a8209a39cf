import * as z from 'zod'
import { type MappingRow, mappingNamed, mappingOf, mappingsOf } from '../../db/queries/clouds/clouds.ts'
import { projectById } from '../../db/queries/identity/identity.ts'
import { faultsOfMapping, mapProject, unmapProject } from '../broker/clouds/mappings.ts'
import type { Context } from '../context.ts'
import { dictionary } from '../http/dictionary.ts'
import { badRequest, notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { cloudNamed, iso, noCloud, noProject } from './lookup.ts'

const given = z.object({ mapping: dictionary(z.string(), z.json()) })

const assertProject = async ({ db }: Context, id: string): Promise<void> => {
  if (!(await projectById(db, id))) throw noProject(id)
}

const view = (project: string, cloud: string, { mapping, createdAt }: Pick<MappingRow, 'mapping' | 'createdAt'>) => ({
  project_id: project,
  cloud,
  mapping,
  created_at: iso(createdAt),
})

const PATH = '/v1/projects/:project/clouds/:name'

/** Which project may use which cloud, and as whom there. */
export const mappingOperations: Operation[] = [
  operation({
    name: 'mapping.list',
    method: 'GET',
    path: '/v1/projects/:project/clouds',
    who: 'admin',
    summary: 'The clouds that a project may use.',
    status: 200,
    handle: async ({ context, params }) => {
      const project = params.project!
      const rows = await mappingsOf(context.db, project)
      if (!rows) throw noProject(project)
      return { body: { clouds: rows.map((row) => view(project, row.name, row)) } }
    },
  }),
  operation({
    name: 'mapping.put',
    method: 'PUT',
    path: PATH,
    who: 'admin',
    summary:
      'Lets a project use a cloud, as the account, role, network or folder named; 409 if what it has there would be lost.',
    status: 200,
    body: given,
    handle: async ({ context, params, body }) => {
      const project = params.project!
      const cloud = await cloudNamed(context, params.name!)
      await assertProject(context, project)
      const faults = await faultsOfMapping(cloud, body.mapping as MappingRow['mapping'])
      if (faults.length) throw badRequest(faults.join(' '))
      await mapProject(context, project, cloud, body.mapping as MappingRow['mapping'])
      return { body: view(project, cloud.name, (await mappingOf(context.db, project, cloud.id))!) }
    },
  }),
  operation({
    name: 'mapping.get',
    method: 'GET',
    path: PATH,
    who: 'admin',
    summary: 'How a project is mapped to a cloud.',
    status: 200,
    handle: async ({ context, params }) => {
      const [project, name] = [params.project!, params.name!]
      const row = await mappingNamed(context.db, project, name)
      if (row === undefined) throw noCloud(name)
      if (row === null) throw notFound(`Project ${project} is not mapped to cloud ${name}.`)
      return { body: view(project, name, row) }
    },
  }),
  operation({
    name: 'mapping.delete',
    method: 'DELETE',
    path: PATH,
    who: 'admin',
    summary: 'Takes a cloud from a project; 409 while it has something there.',
    status: 204,
    handle: async ({ context, params }) => {
      const cloud = await cloudNamed(context, params.name!)
      if (!(await mappingOf(context.db, params.project!, cloud.id)))
        throw notFound(`Project ${params.project} is not mapped to cloud ${cloud.name}.`)
      await unmapProject(context, params.project!, cloud)
      return {}
    },
  }),
]
