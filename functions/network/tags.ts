import * as z from 'zod'
import type { Taggable } from '../../db/queries/network/tags.ts'
import { changeTags, readTags } from '../broker/line/tags.ts'
import { missing, type Networked } from '../broker/network/network-refusal.ts'
import type { Context } from '../context.ts'
import { badRequest, notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { python, read } from './attributes.ts'
import { bare } from './body.ts'

/* Tags: https://docs.openstack.org/api-ref/network/v2/#standard-attributes-tag-extension */

const kinds: Record<Taggable, Networked> = {
  networks: 'Network',
  subnets: 'Subnet',
  subnetpools: 'SubnetPool',
  ports: 'Port',
  routers: 'Router',
  floatingips: 'FloatingIP',
  'security-groups': 'SecurityGroup',
  policies: 'QosPolicy',
}

const checked = (tag: unknown): string => {
  if (typeof tag === 'string' && tag.length > 0 && tag.length <= 255) return tag
  throw badRequest(`Invalid input for tags. Reason: '${python(tag)}' is not a text of 1 to 255 characters.`)
}
const body = bare(
  z.strictObject({
    tags: read((value) => {
      if (!Array.isArray(value)) throw badRequest(`Invalid input for tags. Reason: '${python(value)}' is not a list.`)
      const tags = [...new Set(value.map(checked))]
      if (tags.length > 50) throw badRequest('Invalid input for tags. Reason: there can be 50 tags at most.')
      return tags
    }),
  }),
)

const tagNotFound = (tag: string) => notFound(`Tag ${tag} could not be found.`, 'TagNotFound')

export const tagOperations: Operation[] = (Object.keys(kinds) as Taggable[]).flatMap((what) => {
  const path = `/v2.0/${what}/:id/tags`
  const resource = what === 'policies' ? 'policy' : what.replace('-', '_').replace(/s$/, '')
  // Policies of quality of service are for administrators to change.
  const changer = what === 'policies' ? 'admin' : 'member'
  const found = <T>(value: T | null, id: string): T => {
    if (value === null) throw missing(kinds[what], id)
    return value
  }
  const change = async (context: Context, id: string, to: (tags: string[]) => string[]) =>
    found(await changeTags(context, what, id, to), id)
  return [
    operation({
      name: `${resource}.get_tags`,
      method: 'GET',
      path,
      who: 'reader',
      summary: `Lists the tags of one of the ${what}.`,
      status: 200,
      handle: async ({ context, params }) => ({
        body: { tags: found(await readTags(context, what, params.id!), params.id!) },
      }),
    }),
    operation({
      name: `${resource}.replace_tags`,
      method: 'PUT',
      path,
      who: changer,
      summary: `Replaces the tags of one of the ${what}.`,
      status: 200,
      body,
      handle: async ({ context, params, body: { tags } }) => ({
        body: { tags: await change(context, params.id!, () => tags) },
      }),
    }),
    operation({
      name: `${resource}.clear_tags`,
      method: 'DELETE',
      path,
      who: changer,
      summary: `Takes all tags from one of the ${what}.`,
      status: 204,
      handle: async ({ context, params }) => {
        await change(context, params.id!, () => [])
        return {}
      },
    }),
    operation({
      name: `${resource}.has_tag`,
      method: 'GET',
      path: `${path}/:tag`,
      who: 'reader',
      summary: `Tells whether one of the ${what} has a tag.`,
      status: 204,
      handle: async ({ context, params }) => {
        const tags = found(await readTags(context, what, params.id!), params.id!)
        if (!tags.includes(params.tag!)) throw tagNotFound(params.tag!)
        return {}
      },
    }),
    operation({
      name: `${resource}.add_tag`,
      method: 'PUT',
      path: `${path}/:tag`,
      who: changer,
      summary: `Adds a tag to one of the ${what}.`,
      status: 201,
      handle: async ({ context, params }) => {
        const tag = checked(params.tag)
        await change(context, params.id!, (tags) => (tags.includes(tag) ? tags : [...tags, tag]))
        return {}
      },
    }),
    operation({
      name: `${resource}.remove_tag`,
      method: 'DELETE',
      path: `${path}/:tag`,
      who: changer,
      summary: `Takes a tag from one of the ${what}.`,
      status: 204,
      handle: async ({ context, params }) => {
        await change(context, params.id!, (tags) => {
          if (!tags.includes(params.tag!)) throw tagNotFound(params.tag!)
          return tags.filter((each) => each !== params.tag)
        })
        return {}
      },
    }),
  ]
})
