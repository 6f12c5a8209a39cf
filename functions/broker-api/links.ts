import * as z from 'zod'
import { allClouds } from '../../db/queries/clouds/clouds.ts'
import { linkedClouds } from '../../db/queries/clouds/links.ts'
import { everyProject } from '../../db/scope.ts'
import { REACHES, reachAmong, setLinks } from '../broker/clouds/links.ts'
import type { Context } from '../context.ts'
import { badRequest } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'

const said = z.strictObject({
  links: z.array(z.strictObject({ clouds: z.tuple([z.string(), z.string()]), reach: z.enum(REACHES) })).max(1000),
})

const show = async ({ db }: Context) => ({
  body: { links: reachAmong(await linkedClouds(db, everyProject)) },
})

const PATH = '/v1/links'

/** What leads from cloud to cloud: said by operators, claimed by nobody. */
export const linkOperations: Operation[] = [
  operation({
    name: 'link.list',
    method: 'GET',
    path: PATH,
    who: 'admin',
    summary: 'Whether servers of each pair of clouds reach each other, as operators say: `routed`, `public` or `none`.',
    status: 200,
    handle: ({ context }) => show(context),
  }),
  operation({
    name: 'link.put',
    method: 'PUT',
    path: PATH,
    who: 'admin',
    summary: 'Says what leads from which cloud to which, in place of all that was said before; other pairs are `none`.',
    status: 200,
    body: said,
    handle: async ({ context, body }) => {
      const clouds = await allClouds(context.db)
      const idOf = (name: string): string => {
        const cloud = clouds.find((each) => each.name === name)
        if (!cloud) throw badRequest(`links: there is no cloud named ${name}`)
        return cloud.id
      }
      const links = body.links.map(({ clouds: [a, b], reach }) => {
        if (a === b) throw badRequest(`links: ${a} is one cloud, and a link is between two`)
        return { clouds: [idOf(a), idOf(b)] as [string, string], reach }
      })
      const pairs = links.map((link) => link.clouds.toSorted().join())
      const twice = links.find((_, i) => pairs.indexOf(pairs[i]!) !== i)
      if (twice) {
        const names = body.links[links.indexOf(twice)]!.clouds.toSorted().join(' and ')
        throw badRequest(`links: ${names} are named twice`)
      }
      await setLinks(context, links)
      return show(context)
    },
  }),
]
