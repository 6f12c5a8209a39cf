import * as z from 'zod'
import {
  deleteProtocol,
  insertProtocol,
  mappingById,
  noIdp,
  noMapping,
  noProtocol,
  type ProtocolRow,
  protocolsOf,
  updateProtocol,
} from '../../../db/queries/federation/federation.ts'
import { isTaken } from '../../broker/line/refused.ts'
import type { Context } from '../../context.ts'
import { badRequest, conflict, notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { named } from '../directory/named.ts'
import { provenBy } from '../proven.ts'
import { MANAGING_ALL, READING_ALL } from '../reach.ts'
import { unknown } from '../refusals.ts'
import { commitIf } from '../rules.ts'
import { collection, selfLink } from '../views.ts'
import { idpOf } from './identity-providers.ts'

/* https://docs.openstack.org/api-ref/identity/v3-ext/#protocols */

const mapping_id = z.string().min(1).max(64)
const remote_id_attribute = z.string().max(64).nullish()
const creation = z.object({ protocol: z.strictObject({ mapping_id, remote_id_attribute }) })
const change = z.object({ protocol: z.strictObject({ mapping_id: mapping_id.optional(), remote_id_attribute }) })

const MANY = '/v3/OS-FEDERATION/identity_providers/:idp/protocols'
const ONE = `${MANY}/:id`

const view = ({ idpId, id, mappingId, remoteIdAttribute }: ProtocolRow, base: string) => ({
  ...{ id, mapping_id: mappingId, remote_id_attribute: remoteIdAttribute },
  links: {
    ...selfLink(base, `/OS-FEDERATION/identity_providers/${idpId}/protocols/${id}`),
    identity_provider: `${base}/v3/OS-FEDERATION/identity_providers/${idpId}`,
  },
})

const noneSuch = (idpId: string, id: string) =>
  notFound(`Could not find federated protocol ${id} for Identity Provider: ${idpId}.`)

/** The protocol of an identity provider; 404 for none. */
export const protocolOf = async ({ db }: Pick<Context, 'db'>, idpId: string, id: string): Promise<ProtocolRow> => {
  const row = (await protocolsOf(db, idpId)).find((each) => each.id === id)
  if (!row) throw noneSuch(idpId, id)
  return row
}

const hasMapping = (id: string) => ({
  violated: noMapping(id),
  refusal: badRequest(`Could not find mapping: ${id}.`),
})
const holds = (row: ProtocolRow) => [
  { violated: noIdp(row.idpId), refusal: unknown('Identity Provider', row.idpId) },
  hasMapping(row.mappingId),
]
const entryOf = (action: string, { idpId, id }: ProtocolRow) => ({
  ...{ action, kind: 'identity_provider', resourceId: idpId },
  detail: { protocol: id },
})

export const protocolOperations: Operation[] = [
  operation({
    name: 'protocol.list',
    method: 'GET',
    path: MANY,
    ...READING_ALL,
    summary: 'The protocols of an identity provider, with their mappings.',
    status: 200,
    handle: async ({ context, params, base }) => {
      const id = params.idp!
      const rows = await provenBy(protocolsOf(context.db, id), () => idpOf(context, id))
      const views = rows.map((row) => view(row, base))
      return collection('protocols', views, base, `/OS-FEDERATION/identity_providers/${id}/protocols`)
    },
  }),
  operation({
    name: 'protocol.create',
    method: 'PUT',
    path: ONE,
    ...MANAGING_ALL,
    summary:
      'Says by which mapping the users of an identity provider are ours. Every protocol is OpenID Connect, whatever it is called.',
    status: 201,
    body: creation,
    handle: async ({ context, params, body: { protocol }, base }) => {
      const { id: idpId } = await idpOf(context, params.idp!)
      const id = params.id!
      if (id.length > 64) throw badRequest('The id is too long.')
      if (!(await mappingById(context.db, protocol.mapping_id)))
        throw badRequest(`Could not find mapping: ${protocol.mapping_id}.`)
      const row = { idpId, id, mappingId: protocol.mapping_id, remoteIdAttribute: protocol.remote_id_attribute ?? null }
      await commitIf(context, holds(row), entryOf('add_protocol', row), [insertProtocol(context.db, row)])
      return { body: { protocol: view(row, base) } }
    },
    refuse: (error) =>
      isTaken(error)
        ? conflict('Conflict occurred attempting to store federation_protocol - Duplicate entry.')
        : undefined,
  }),
  operation({
    name: 'protocol.get',
    method: 'GET',
    path: ONE,
    ...READING_ALL,
    summary: 'One protocol of an identity provider.',
    status: 200,
    handle: async ({ context, params, base }) => ({
      body: { protocol: view(await protocolOf(context, params.idp!, params.id!), base) },
    }),
  }),
  operation({
    name: 'protocol.update',
    method: 'PATCH',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'Gives a protocol another mapping.',
    status: 200,
    body: change,
    handle: async ({ context, params, body: { protocol }, base }) => {
      const row = await protocolOf(context, params.idp!, params.id!)
      const set = named<ProtocolRow>({
        mappingId: protocol.mapping_id,
        remoteIdAttribute: protocol.remote_id_attribute,
      })
      const rules = [
        { violated: noProtocol(row), refusal: noneSuch(row.idpId, row.id) },
        ...(set.mappingId === undefined ? [] : [hasMapping(set.mappingId)]),
      ]
      const writes = Object.keys(set).length ? [updateProtocol(context.db, row, set)] : []
      await commitIf(context, rules, entryOf('change_protocol', row), writes)
      return { body: { protocol: view({ ...row, ...set }, base) } }
    },
  }),
  operation({
    name: 'protocol.delete',
    method: 'DELETE',
    path: ONE,
    ...MANAGING_ALL,
    summary: 'Takes a protocol from an identity provider.',
    status: 204,
    handle: async ({ context, params }) => {
      const row = await protocolOf(context, params.idp!, params.id!)
      await commitIf(context, [], entryOf('remove_protocol', row), [deleteProtocol(context.db, row)])
      return {}
    },
  }),
]
