import { type DomainRow, domainById, listDomains } from '../../db/queries/identity/identity.ts'
import { type Operation, operation } from '../http/operation.ts'
import { inexactly } from './filters.ts'
import { unknown } from './refusals.ts'
import { collection, flagOf, selfLink } from './views.ts'

const view = ({ id, name, description, enabled }: DomainRow, base: string) => ({
  id,
  name,
  description,
  enabled,
  tags: [],
  options: {},
  links: selfLink(base, `/domains/${id}`),
})

/** Domains are made at the first start alone. */
export const domainOperations: Operation[] = [
  operation({
    name: 'domain.list',
    method: 'GET',
    path: '/v3/domains',
    who: 'admin',
    summary: 'Every domain; filters `name` and `enabled`, exact or not.',
    status: 200,
    handle: async ({ context, query, queries, base }) => {
      const rows = await listDomains(context.db, { name: query.name, enabled: flagOf(query.enabled) })
      return collection(
        'domains',
        inexactly(
          queries,
          ['name'],
          rows.map((row) => view(row, base)),
        ),
        base,
        '/domains',
      )
    },
  }),
  operation({
    name: 'domain.get',
    method: 'GET',
    path: '/v3/domains/:id',
    who: 'authenticated',
    summary: 'One domain; a user may see his own.',
    status: 200,
    handle: async ({ context, params, base }) => {
      const { caller } = context
      const own = caller?.isAdmin || caller?.userDomainId === params.id || caller?.projectDomainId === params.id
      const row = own ? await domainById(context.db, params.id!) : null
      if (!row) throw unknown('domain', params.id!)
      return { body: { domain: view(row, base) } }
    },
  }),
]
