import * as z from 'zod'
import { badRequest, Fault, notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { assertServer } from './server.ts'

const forced = z.strictObject({ force_complete: z.null() })
const noMigration = (migration: string, id: string) => `Migration ${migration} not found for instance ${id}`

/** What Nova offers beside servers and no cloud behind this broker has: each refusal says why. */
export const unavailableOperations: Operation[] = [
  operation({
    name: 'server-password.show',
    method: 'GET',
    path: '/servers/:id/os-server-password',
    who: 'reader',
    summary: 'The password that the guest made and sealed. No guest hands one over, so it is empty.',
    status: 200,
    handle: async (input) => {
      await assertServer(input)
      return { body: { password: '' } }
    },
  }),
  operation({
    name: 'server-password.clear',
    method: 'DELETE',
    path: '/servers/:id/os-server-password',
    who: 'member',
    summary: 'Forgets the sealed password; there is none.',
    status: 204,
    handle: async (input) => {
      await assertServer(input)
      return {}
    },
  }),
  operation({
    name: 'virtual-interface.list',
    method: 'GET',
    path: '/servers/:id/os-virtual-interfaces',
    who: 'reader',
    summary: 'Ports as they were shown before os-interface. Refused.',
    status: 200,
    until: 43,
    handle: async (input) => {
      await assertServer(input)
      throw new Fault(400, 'Virtual interfaces are listed by os-interface.')
    },
  }),
  operation({
    name: 'server-migration.list',
    method: 'GET',
    path: '/servers/:id/migrations',
    who: 'admin',
    summary:
      'Live migrations that are under way: clouds keep theirs to themselves. Resizes and moves between clouds are in `os-migrations`.',
    status: 200,
    since: 23,
    handle: async (input) => {
      await assertServer(input)
      return { body: { migrations: [] } }
    },
  }),
  operation({
    name: 'server-migration.show',
    method: 'GET',
    path: '/servers/:id/migrations/:migration',
    who: 'admin',
    summary: 'One of them: there is none.',
    status: 200,
    since: 23,
    handle: async (input) => {
      const { id } = await assertServer(input)
      throw notFound(`In-progress live migration ${input.params.migration} is not found for server ${id}.`)
    },
  }),
  operation<z.infer<typeof forced>>({
    name: 'server-migration.force_complete',
    method: 'POST',
    path: '/servers/:id/migrations/:migration/action',
    who: 'admin',
    summary: 'Ends a live migration at once: 400, as with Nova for one that is not under way.',
    status: 202,
    since: 22,
    body: forced,
    handle: async (input) => {
      const { id } = await assertServer(input)
      throw badRequest(noMigration(input.params.migration!, id))
    },
  }),
  operation({
    name: 'server-migration.delete',
    method: 'DELETE',
    path: '/servers/:id/migrations/:migration',
    who: 'admin',
    summary: 'Gives a live migration up: 404, as with Nova for one that is not under way.',
    status: 202,
    since: 24,
    handle: async (input) => {
      const { id } = await assertServer(input)
      throw notFound(noMigration(input.params.migration!, id))
    },
  }),
  operation({
    name: 'server-topology.show',
    method: 'GET',
    path: '/servers/:id/topology',
    who: 'reader',
    summary: 'NUMA nodes of the guest. Clouds do not say, so there are none.',
    status: 200,
    since: 78,
    handle: async (input) => {
      await assertServer(input)
      return { body: { nodes: [], pagesize_kb: null } }
    },
  }),
]
