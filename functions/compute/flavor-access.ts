import * as z from 'zod'
import { accessOf, flavorWithAccess } from '../../db/queries/compute/flavors.ts'
import { projectById } from '../../db/queries/identity/identity.ts'
import { grantAccess, revokeAccess } from '../broker/compute/flavor.ts'
import { isTaken } from '../broker/line/refused.ts'
import { badRequest, conflict, notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { commonFlavorOf, noFlavor } from './flavors.ts'
import { text } from './parameters.ts'

const tenant = z.strictObject({ tenant: text(1) })
const action = z.union([z.strictObject({ addTenantAccess: tenant }), z.strictObject({ removeTenantAccess: tenant })], {
  error: 'One of addTenantAccess and removeTenantAccess is expected',
})

const view = (id: string, projectIds: string[]) => ({
  flavor_access: projectIds.map((projectId) => ({ flavor_id: id, tenant_id: projectId })),
})

/** Which projects see a flavor that is not public. https://docs.openstack.org/api-ref/compute/#flavors-access-flavors-os-flavor-access-flavors-action */
export const flavorAccessOperations: Operation[] = [
  operation({
    name: 'flavor_access.list',
    method: 'GET',
    path: '/flavors/:id/os-flavor-access',
    who: 'admin',
    summary: 'The projects that see a private flavor.',
    status: 200,
    handle: async ({ context, params }) => {
      const id = params.id!
      const flavor = await flavorWithAccess(context.db, id)
      if (!flavor) throw noFlavor(id)
      if (flavor.isPublic) throw notFound('Access list not available for public flavors.')
      return { body: view(id, flavor.projectIds) }
    },
  }),
  operation({
    name: 'flavor_access.change',
    method: 'POST',
    path: '/flavors/:id/action',
    who: 'admin',
    summary: 'Lets a project see a private flavor, or no longer.',
    status: 200,
    body: action,
    handle: async (input) => {
      const { context, body, version } = input
      const flavor = await commonFlavorOf(input)
      if ('addTenantAccess' in body) {
        const { tenant: projectId } = body.addTenantAccess
        if (!(await projectById(context.db, projectId)))
          throw badRequest(`Project ID ${projectId} is not a valid project.`)
        if (version >= 7 && flavor.isPublic) throw conflict('Can not add access to a public flavor.')
        await grantAccess(context, flavor, projectId)
      } else {
        const { tenant: projectId } = body.removeTenantAccess
        if (!(await accessOf(context.db, flavor.id)).includes(projectId))
          throw notFound(`Flavor access not found for ${flavor.id} / ${projectId} combination.`)
        await revokeAccess(context, flavor, projectId)
      }
      return { body: view(flavor.id, await accessOf(context.db, flavor.id)) }
    },
    refuse: (error, { params, body }) =>
      isTaken(error) && 'addTenantAccess' in body
        ? conflict(
            `Flavor access already exists for flavor ${params.id} and project ${body.addTenantAccess.tenant} combination.`,
          )
        : undefined,
  }),
]
