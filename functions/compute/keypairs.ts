import * as z from 'zod'
import { type KeypairRow, keypairNamed, keypairsOf } from '../../db/queries/compute/keypairs.ts'
import { createKeypair, InvalidKey, removeKeypair } from '../broker/compute/keypair.ts'
import { isTaken, Refused } from '../broker/line/refused.ts'
import type { Caller } from '../context.ts'
import { badRequest, conflict, forbidden, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { pageRequest } from '../http/pagination.ts'
import { nakedTime, nextLink } from './links.ts'
import { matching, oneOf, query, text } from './parameters.ts'

interface Creation {
  keypair: { name: string; public_key?: string; type?: 'ssh' | 'x509'; user_id?: string }
}

/** From 2.92 on a name may hold `@` and `.`, and keys are not made here any more. */
const creation = (version: number) =>
  z.strictObject({
    keypair: z.strictObject({
      name: matching(version >= 92 ? /^[_\-@. a-zA-Z0-9]+$/ : /^[_\- a-zA-Z0-9]+$/).refine(
        (value) => value.trim() === value,
        {
          error: 'Can not start or end with whitespace.',
        },
      ),
      public_key: version >= 92 ? text(0, 65_535) : text(0, 65_535).optional(),
      ...(version >= 2 ? { type: oneOf(['ssh', 'x509']).optional() } : {}),
      ...(version >= 10 ? { user_id: text(1).optional() } : {}),
    }),
  }) as z.ZodType<Creation>

const ownQuery = query(['user_id'])
const listQuery = query(['user_id', 'limit', 'marker'])

/** Keypairs are a user's, whatever the project; admins may name another user from 2.10 on. */
const ownerOf = (
  { context, version }: Pick<Input, 'context' | 'version'>,
  asked: string | undefined,
  verb: string,
): string => {
  const caller = context.caller as Caller
  if (version < 10 || !asked || asked === caller.userId) return caller.userId
  if (!caller.isAdmin) throw forbidden(`Policy doesn't allow os_compute_api:os-keypairs:${verb} to be performed.`)
  return asked
}

const keypairOf = async (input: Input, verb: string): Promise<KeypairRow> => {
  const owner = ownerOf(input, input.query.user_id, verb)
  const keypair = await keypairNamed(input.context.db, owner, input.params.name!)
  if (!keypair) throw notFound(`Keypair ${input.params.name} not found for user ${owner}`)
  return keypair
}

const briefView = ({ name, publicKey, fingerprint, type }: KeypairRow, version: number) => ({
  name,
  public_key: publicKey,
  fingerprint,
  ...(version >= 2 ? { type } : {}),
})

const view = (keypair: KeypairRow, version: number) => ({
  ...briefView(keypair, version),
  user_id: keypair.userId,
  // A number, for clients that expect Nova's serial one.
  id: Number.parseInt(keypair.id.slice(0, 7), 16),
  created_at: nakedTime(keypair.createdAt),
  updated_at: null,
  deleted: false,
  deleted_at: null,
})

/** https://docs.openstack.org/api-ref/compute/#keypairs-keypairs */
export const keypairOperations: Operation[] = [
  operation({
    name: 'keypair.list',
    method: 'GET',
    path: '/os-keypairs',
    who: 'reader',
    summary: 'Keypairs of the caller; pages from 2.35 on.',
    status: 200,
    query: listQuery,
    handle: async (input) => {
      const { context, version, query: asked } = input
      const owner = ownerOf(input, asked.user_id, 'index')
      const paged = version >= 35
      const { limit, marker } = paged ? pageRequest(asked) : {}
      const keypairs = await keypairsOf(context.db, owner, { ...(limit === undefined ? {} : { limit }), after: marker })
      if (!keypairs) throw badRequest(`Marker ${marker} could not be found.`)
      const next = paged
        ? nextLink(
            input,
            'keypairs_links',
            '/os-keypairs',
            keypairs.map(({ name }) => name),
          )
        : {}
      return { body: { keypairs: keypairs.map((each) => ({ keypair: briefView(each, version) })), ...next } }
    },
  }),
  operation({
    name: 'keypair.create',
    method: 'POST',
    path: '/os-keypairs',
    who: 'member',
    summary: 'Imports a public key; without one, and before 2.92, makes a pair and gives the private half away once.',
    status: 201,
    body: creation,
    handle: async (input) => {
      const { context, body, version } = input
      const { name, public_key: publicKey, type = 'ssh', user_id } = body.keypair
      const userId = ownerOf(input, user_id, 'create')
      const wish = { userId, name, type, publicKey }
      const { keypair, privateKey } = await createKeypair(context, wish)
      const made = privateKey === undefined ? {} : { private_key: privateKey }
      return {
        status: version >= 2 ? 201 : 200,
        body: { keypair: { ...made, ...briefView(keypair, version), user_id: keypair.userId } },
      }
    },
    refuse: (error, { body }) => {
      if (isTaken(error)) return conflict(`Key pair '${body.keypair.name}' already exists.`)
      if (error instanceof InvalidKey) return badRequest(`Keypair data is invalid: ${error.message}`)
      const full = error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'key_pairs'
      return full ? forbidden('Quota exceeded, too many key pairs.') : undefined
    },
  }),
  operation({
    name: 'keypair.show',
    method: 'GET',
    path: '/os-keypairs/:name',
    who: 'reader',
    summary: 'One keypair, by name.',
    status: 200,
    query: ownQuery,
    handle: async (input) => ({ body: { keypair: view(await keypairOf(input, 'show'), input.version) } }),
  }),
  operation({
    name: 'keypair.delete',
    method: 'DELETE',
    path: '/os-keypairs/:name',
    who: 'member',
    summary: 'Forgets a keypair, here and on every cloud that has it; servers keep what they booted with.',
    status: 204,
    query: ownQuery,
    handle: async (input) => {
      await removeKeypair(input.context, await keypairOf(input, 'delete'))
      return { status: input.version >= 2 ? 204 : 202 }
    },
  }),
]
