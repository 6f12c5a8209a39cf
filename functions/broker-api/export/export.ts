import { exportObjects } from '../../broker/adopt/export.ts'
import { badRequest } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { cloudNamed } from '../lookup.ts'
import { pieceOf } from '../pieces.ts'
import { exportSection, SECTION_NAMES } from './sections.ts'

/** The section of which nothing is said: what clouds have. */
const OBJECTS = 'objects'
const FILTERS = ['cloud', 'kind', 'project_id']

export const exportOperations: Operation[] = [
  operation({
    name: 'export.list',
    method: 'GET',
    path: '/v1/export',
    who: 'admin',
    summary: `All that is to be taken along, so that leaving costs nothing: native id and tags of everything that is managed here, with filters \`cloud\`, \`kind\`, \`project_id\`; or what was said here, by \`section\`: ${SECTION_NAMES.map((name) => `\`${name}\``).join(', ')}. \`limit\`, \`marker\`.`,
    status: 200,
    handle: async ({ context, query }) => {
      const { limit, after } = pieceOf(query)
      const { section = OBJECTS } = query
      if (section !== OBJECTS) {
        const filter = FILTERS.find((name) => query[name])
        if (filter) throw badRequest(`${filter}: only objects are told apart by it`)
        const body = await exportSection(context.db, section, { after, limit })
        if (!body) throw badRequest(`section: must be one of ${[OBJECTS, ...SECTION_NAMES].join(', ')}`)
        return { body }
      }
      const cloud = query.cloud || undefined
      const body = await exportObjects(context, {
        cloud,
        kind: query.kind || undefined,
        projectId: query.project_id || undefined,
        after,
        limit,
      })
      if (!body.objects.length && cloud) await cloudNamed(context, cloud)
      return { body }
    },
  }),
]
