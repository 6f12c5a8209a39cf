import { cloudsFor } from '../../db/queries/clouds/clouds.ts'
import { allLinks } from '../../db/queries/clouds/links.ts'
import { projectById } from '../../db/queries/identity/identity.ts'
import { reachAmong } from '../broker/clouds/links.ts'
import type { Context } from '../context.ts'
import { type Operation, operation } from '../http/operation.ts'
import { noProject } from './lookup.ts'

/** A project's plan is for its own people, and for administrators. */
const projectIn = async ({ db, scope }: Context, id: string): Promise<string> => {
  const own = 'every' in scope || scope.projectId === id
  if (!own || !(await projectById(db, id))) throw noProject(id)
  return id
}

const show = async ({ db }: Context, projectId: string) => {
  const clouds = (await cloudsFor(db, { projectId })).map(({ cloud }) => cloud)
  return { body: { project_id: projectId, reach: reachAmong(await allLinks(db), clouds) } }
}

const PATH = '/v1/projects/:project/network-plan'

export const networkPlanOperations: Operation[] = [
  operation({
    name: 'network_plan.get',
    method: 'GET',
    path: PATH,
    who: 'reader',
    summary: 'Which of the clouds of a project reach each other, as their operators say.',
    status: 200,
    handle: async ({ context, params }) => show(context, await projectIn(context, params.project!)),
  }),
]
