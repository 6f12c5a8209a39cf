import * as z from 'zod'
import { table } from '../../adapters/table.ts'
import type { ImageRow } from '../../db/queries/image/images.ts'
import { changeImage } from '../broker/image/image.ts'
import { check } from '../http/body.ts'
import { dialects } from '../http/dialects.ts'
import { badRequest, conflict, Fault, forbidden } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { architectureOf, columnsOf, FIELDS, type Fields, isReserved, READONLY } from './fields.ts'
import { imageView } from './image-view.ts'
import { imageOf } from './lookup.ts'

/** One change: what to do with which attribute or property. */
interface Change {
  op: 'add' | 'replace' | 'remove'
  name: string
  value: unknown
}
const OPS = ['add', 'remove', 'replace'] as const
const PATCHES: Record<string, (raw: Record<string, unknown>) => { op: Change['op']; pointer: unknown }> = table({
  // RFC 6902 says what to do in a member of its own, the draft before it by the name of the member.
  'application/openstack-images-v2.1-json-patch': (raw) => {
    const op = OPS.find((each) => each === raw.op)
    if (raw.op === undefined)
      throw badRequest(
        `Unable to find \`op\` in JSON Schema change. It must be one of the following: ${OPS.join(', ')}.`,
      )
    if (!op) throw badRequest(`Invalid operation: \`${raw.op}\`. It must be one of the following: ${OPS.join(', ')}.`)
    if (raw.path === undefined) throw badRequest("Unable to find 'path' in JSON Schema change")
    return { op, pointer: raw.path }
  },
  'application/openstack-images-v2.0-json-patch': (raw) => {
    const [op, ...others] = OPS.filter((each) => Object.hasOwn(raw, each))
    if (others.length)
      throw badRequest('Operation objects must contain only one member named "add", "remove", or "replace".')
    if (!op) throw badRequest('Operation objects must contain exactly one member named "add", "remove", or "replace".')
    return { op, pointer: raw[op] }
  },
})

/** `/name`, with `~1` for a slash and `~0` for a tilde; attributes are never deeper than one step. */
const nameAt = (pointer: unknown): string => {
  if (typeof pointer !== 'string' || !pointer.startsWith('/'))
    throw badRequest(`Pointer \`${pointer}\` does not start with "/".`)
  if (/\/\s*?\//.test(pointer.slice(1))) throw badRequest(`Pointer \`${pointer}\` contains adjacent "/".`)
  if (pointer.endsWith('/')) throw badRequest(`Pointer \`${pointer}\` end with "/".`)
  if (/~([^01]|$)/.test(pointer))
    throw badRequest(`Pointer \`${pointer}\` contains "~" not part of a recognized escape sequence.`)
  const [name = '', ...deeper] = pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~').trim())
  if (deeper.length) throw badRequest(`Invalid JSON pointer for this resource: '${pointer}'`)
  return name
}

const patchBody = z.array(z.unknown(), { error: 'Request body must be a JSON array of operation objects.' })

const changesIn = (body: unknown[], type: string): Change[] =>
  body.map((raw) => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
      throw badRequest('Operations must be JSON objects.')
    const { op, pointer } = PATCHES[type]!(raw as Record<string, unknown>)
    refuseLocations(op, pointer)
    const name = nameAt(pointer)
    if (op !== 'remove' && !Object.hasOwn(raw, 'value'))
      throw badRequest(`Operation "${op}" requires a member named "value".`)
    if (READONLY.includes(name)) throw forbidden(`Attribute '${name}' is read-only.`)
    if (isReserved(name)) throw forbidden(`Attribute '${name}' is reserved.`)
    return { op, name, value: (raw as { value?: unknown }).value }
  })

/** Where data lies is nobody's to see, and so to change (glance/api/v2/images.py, _do_add_locations and its sisters). */
const refuseLocations = (op: Change['op'], pointer: unknown): void => {
  if (typeof pointer !== 'string' || !/^\/locations(\/|$)/.test(pointer)) return
  const verb = { add: 'add', replace: 'update', remove: 'remove' }[op]
  throw forbidden(`It's not allowed to ${verb} locations if locations are invisible.`)
}

const isField = (name: string): name is keyof typeof FIELDS => Object.hasOwn(FIELDS, name)

/** The changes, one after the other, over what is there (glance/api/v2/images.py, _do_add and its sisters). */
const apply = (input: Input, row: ImageRow, changes: Change[], draft: boolean): Partial<ImageRow> => {
  const properties = table({ ...row.properties })
  const fields: Fields = {}
  for (const { op, name, value } of changes) {
    if (isField(name)) {
      if (op === 'remove') throw forbidden(`Property ${name} may not be removed.`)
      if (op === 'add' && draft) throw conflict(`Property ${name} already present.`)
      const checked = (check(z.strictObject({ [name]: FIELDS[name] }), { [name]: value }, dialects.image) as Fields)[
        name
      ]
      refuseChange(input, row, name, checked)
      Object.assign(fields, { [name]: checked })
    } else {
      const there = Object.hasOwn(properties, name)
      if (op !== 'add' && !there) throw conflict(`Property ${name} does not exist.`)
      if (op === 'add' && draft && there) throw conflict(`Property ${name} already present.`)
      if (name.length > 255) throw badRequest('Custom property should not be greater than 255 characters.')
      if (op === 'remove') delete properties[name]
      else properties[name] = textOf(name, value)
    }
  }
  // What a cloud made knows its architecture better than anybody says it.
  const arch = row.serverId === null ? { arch: architectureOf(properties) } : {}
  return { ...columnsOf(fields), properties: { ...properties }, ...arch }
}

const textOf = (name: string, value: unknown): string => {
  const text = z.string().safeParse(value)
  if (!text.success) throw badRequest(dialects.image.invalid(name, value, text.error.issues[0]!.message))
  return text.data
}

const refuseChange = ({ context }: Input, row: ImageRow, name: string, value: unknown): void => {
  const admin = context.caller?.isAdmin
  if (name === 'owner' && !admin) throw forbidden("Owner can't be updated by non admin.")
  if (name === 'visibility' && value === 'public' && row.visibility !== 'public' && !admin)
    throw forbidden('You are not authorized to complete publicize_image action.')
  const fixed = name === 'container_format' || name === 'disk_format'
  if (fixed && row.status !== 'queued') throw forbidden(`Attribute ${name} can be only replaced for a queued image.`)
}

/** https://docs.openstack.org/api-ref/image/v2/#update-image */
export const imagePatchOperations: Operation[] = [
  operation<unknown[]>({
    name: 'image.update',
    method: 'PATCH',
    path: '/v2/images/:id',
    who: 'member',
    summary: 'Changes attributes and properties by a list of operations.',
    status: 200,
    body: patchBody,
    handle: async (input) => {
      const type = (input.request.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
      if (!Object.hasOwn(PATCHES, type)) {
        const accepted = Object.keys(PATCHES).sort().join(', ')
        throw new Fault(415, `Image PATCH expects Content-Type one of: ${accepted}`, {
          headers: { 'Accept-Patch': accepted },
        })
      }
      const changes = changesIn(input.body, type)
      const image = await imageOf(input)
      const set = apply(input, image, changes, type.includes('v2.0'))
      if (!changes.length) return { body: imageView(image) }
      return { body: imageView(await changeImage(input.context, image, set)) }
    },
  }),
]
