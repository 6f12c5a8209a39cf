import * as z from 'zod'
import { own } from '../../../adapters/table.ts'
import type { MadeTypeRow } from '../../../db/queries/block-storage/made-types.ts'
import { changeType } from '../../broker/block-storage/made-types.ts'
import { badRequest, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { text, time } from '../shapes.ts'
import { madeTypeOf, typeOf } from './types.ts'

const control = z.enum(['front-end', 'back-end'])
const keySize = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^[0-9]+$/)
      .transform(Number),
  ])
  .pipe(z.number().min(0).max(0x7fffffff))
  .nullish()
const createFields = { provider: text(), control_location: control, cipher: text().nullish(), key_size: keySize }
type Create = { encryption: z.infer<z.ZodObject<typeof createFields>> }
const createBody = z.strictObject({ encryption: z.strictObject(createFields) }) as unknown as z.ZodType<Create>
const updateFields = {
  provider: text().optional(),
  control_location: control.optional(),
  cipher: text().nullish(),
  key_size: keySize,
}
type Update = { encryption: z.infer<z.ZodObject<typeof updateFields>> }
const updateBody = z.strictObject({ encryption: z.strictObject(updateFields) }) as unknown as z.ZodType<Update>

type Encryption = NonNullable<MadeTypeRow['encryption']>

const view = (typeId: string, e: Encryption) => ({
  volume_type_id: typeId,
  encryption_id: e.id,
  provider: e.provider,
  control_location: e.controlLocation,
  cipher: e.cipher,
  key_size: e.keySize,
  created_at: time(e.createdAt),
  updated_at: time(e.updatedAt),
  deleted: false,
  deleted_at: null,
})

/** The encryption of the path; 404 in Cinder's words. */
const encryptionOf = async (input: Input): Promise<{ type: MadeTypeRow; encryption: Encryption }> => {
  const type = await madeTypeOf(input)
  const { encryption } = type
  const { key } = input.params
  if (!encryption || (key !== undefined && key !== encryption.id && key !== 'provider'))
    throw notFound(`Volume type encryption for type ${type.id} does not exist.`)
  return { type, encryption }
}

const PATH = '/types/:id/encryption'

/**
 * How volumes of a type are to be encrypted. No cloud does as it is told by a type, so that a volume of such a type is refused
 * (`asAsked`). https://docs.openstack.org/api-ref/block-storage/v3/#show-an-encryption-type
 */
export const typeEncryptionOperations: Operation[] = [
  operation({
    name: 'volume_type.encryption',
    method: 'GET',
    path: PATH,
    who: 'admin',
    summary: 'How volumes of a type are encrypted: nothing, unless an operator said so.',
    status: 200,
    handle: async ({ context, params }) => {
      const { made } = await typeOf(context, params.id!)
      return { body: made?.encryption ? view(made.id, made.encryption) : {} }
    },
  }),
  operation({
    name: 'volume_type.encryption_item',
    method: 'GET',
    path: `${PATH}/:key`,
    who: 'admin',
    summary: 'One item of how volumes of a type are encrypted.',
    status: 200,
    handle: async ({ context, params }) => {
      const { made } = await typeOf(context, params.id!)
      const value = made?.encryption && own(view(made.id, made.encryption), params.key!)
      if (value == null) throw notFound(`Volume Type ${params.id} has no encryption with key ${params.key}.`)
      return { body: { [params.key!]: value } }
    },
  }),
  operation<Create>({
    name: 'volume_type.encrypt',
    method: 'POST',
    path: PATH,
    who: 'admin',
    summary: 'Says that volumes of a type are to be encrypted; those are refused while no cloud does it.',
    status: 200,
    body: createBody,
    handle: async (input) => {
      const type = await madeTypeOf(input)
      const { context, body } = input
      const { provider, control_location, cipher = null, key_size = null } = body.encryption
      if (type.encryption) throw badRequest(`Volume type encryption for type ${type.id} already exists.`)
      const encryption: Encryption = {
        id: context.newId(),
        provider,
        controlLocation: control_location,
        cipher,
        keySize: key_size,
        createdAt: context.now(),
        updatedAt: null,
      }
      await changeType(context, type, { encryption }, 'set_encryption', true)
      const { created_at: _, updated_at: __, deleted: ___, deleted_at: ____, ...shown } = view(type.id, encryption)
      return { body: { encryption: shown } }
    },
  }),
  operation<Update>({
    name: 'volume_type.change_encryption',
    method: 'PUT',
    path: `${PATH}/:key`,
    who: 'admin',
    summary: 'Changes how volumes of a type are to be encrypted.',
    status: 200,
    body: updateBody,
    handle: async (input) => {
      const { type, encryption } = await encryptionOf(input)
      const { provider, control_location, cipher, key_size } = input.body.encryption
      const changed: Encryption = {
        ...encryption,
        provider: provider ?? encryption.provider,
        controlLocation: control_location ?? encryption.controlLocation,
        cipher: cipher === undefined ? encryption.cipher : cipher,
        keySize: key_size === undefined ? encryption.keySize : key_size,
        updatedAt: input.context.now(),
      }
      await changeType(input.context, type, { encryption: changed }, 'set_encryption', true)
      return { body: { encryption: input.body.encryption } }
    },
  }),
  operation({
    name: 'volume_type.decrypt',
    method: 'DELETE',
    path: `${PATH}/:key`,
    who: 'admin',
    summary: 'Volumes of a type are not to be encrypted any more.',
    status: 202,
    handle: async (input) => {
      const { type } = await encryptionOf(input)
      await changeType(input.context, type, { encryption: null }, 'unset_encryption', true)
      return {}
    },
  }),
]
