import { roleById } from '../../../db/queries/identity/identity.ts'
import { deleteImplied, type Inference, inferences, insertImplied } from '../../../db/queries/identity/implied-roles.ts'
import { commit } from '../../broker/line/commit.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context } from '../../context.ts'
import { conflict, forbidden, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { MANAGING_ALL, READING_ALL } from '../reach.ts'
import { unknown } from '../refusals.ts'
import { selfLink } from '../views.ts'

const roleView = ({ id, name }: Inference['prior'], base: string) => ({
  id,
  name,
  links: selfLink(base, `/roles/${id}`),
})

/** Both roles of the path; 404 for one that there is not. */
const rolesOf = async ({ db }: Context, params: Input['params']) => {
  const [prior, implied] = await Promise.all([roleById(db, params.prior!), roleById(db, params.implied!)])
  if (!prior) throw unknown('role', params.prior!)
  if (!implied) throw unknown('role', params.implied!)
  return { prior, implied }
}

const inferenceOf = async (context: Context, params: Input['params']): Promise<Inference> => {
  const [found] = await inferences(context.db, params.prior!, params.implied!)
  if (found) return found
  const { prior, implied } = await rolesOf(context, params)
  throw notFound(`${prior.id} does not imply ${implied.id}.`)
}

const oneView = ({ prior, implied }: Inference, base: string) => ({
  role_inference: { prior_role: roleView(prior, base), implies: roleView(implied, base) },
  links: selfLink(base, `/roles/${prior.id}/implies/${implied.id}`),
})

const ONE = '/v3/roles/:prior/implies/:implied'

/** Roles that come with others. */
export const impliedRoleOperations: Operation[] = [
  operation({
    name: 'implied_role.list',
    method: 'GET',
    path: '/v3/roles/:prior/implies',
    ...READING_ALL,
    summary: 'The roles that a role implies.',
    status: 200,
    handle: async ({ context, params, base }) => {
      const id = params.prior!
      const found = await inferences(context.db, id)
      const prior = found[0]?.prior ?? (await roleById(context.db, id))
      if (!prior) throw unknown('role', id)
      return {
        body: {
          role_inference: {
            prior_role: roleView(prior, base),
            implies: found.map(({ implied }) => roleView(implied, base)),
          },
          links: selfLink(base, `/roles/${id}/implies`),
        },
      }
    },
  }),
  operation({
    name: 'implied_role.get',
    method: 'GET',
    path: ONE,
    ...READING_ALL,
    summary: 'Whether a role implies another.',
    status: 200,
    handle: async ({ context, params, base, request }) => {
      const found = await inferenceOf(context, params)
      return request.method === 'HEAD' ? { status: 204 } : { body: oneView(found, base) }
    },
  }),
  operation({
    name: 'implied_role.create',
    method: 'PUT',
    path: ONE,
    ...MANAGING_ALL,
    summary:
      'Whoever has a role has another as well from now on; nothing may imply `admin`, and no role of all domains one of a domain.',
    status: 201,
    handle: async ({ context, params, base }) => {
      const { prior, implied } = await rolesOf(context, params)
      const ofOneDomain = implied.domainId !== '' && prior.domainId === ''
      if (implied.name === 'admin' || ofOneDomain) throw forbidden(`${implied.id} cannot be an implied roles.`)
      const entry = { action: 'imply', kind: 'role', resourceId: prior.id, detail: { implied: implied.id } }
      await commit(context, entry, [insertImplied(context.db, prior.id, implied.id)])
      return { body: oneView({ prior, implied }, base) }
    },
    refuse: (error, { params }) =>
      isTaken(error)
        ? conflict(
            `Conflict occurred attempting to store implied_role - Duplicate entry found with ID ${params.implied}.`,
          )
        : undefined,
  }),
  operation({
    name: 'implied_role.delete',
    method: 'DELETE',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'A role does not imply another any more; tokens lose what is not granted otherwise.',
    status: 204,
    handle: async ({ context, params }) => {
      const { prior, implied } = await inferenceOf(context, params)
      const entry = { action: 'imply_no_more', kind: 'role', resourceId: prior.id, detail: { implied: implied.id } }
      await commit(context, entry, [deleteImplied(context.db, prior.id, implied.id)])
      return {}
    },
  }),
  operation({
    name: 'role_inference_rule.list',
    method: 'GET',
    path: '/v3/role_inferences',
    ...READING_ALL,
    summary: 'Every role that implies others, with these.',
    status: 200,
    handle: async ({ context, base }) => {
      const byPrior = Map.groupBy(await inferences(context.db), ({ prior }) => prior.id)
      return {
        body: {
          role_inferences: [...byPrior.values()].map((of) => ({
            prior_role: roleView(of[0]!.prior, base),
            implies: of.map(({ implied }) => roleView(implied, base)),
          })),
          links: selfLink(base, '/role_inferences'),
        },
      }
    },
  }),
]
