import * as z from 'zod'
import type { Json } from '../../../adapters/contract.ts'
import { isMisspelt, REACH, TTL } from '../../broker/compute/place/hints.ts'
import { FORK_OF } from '../../broker/image/image.ts'
import { integer, matching, name, text } from '../parameters.ts'
import { address, uuid } from './fields.ts'

/** All hints of a request, as JSON, may be so long: they are kept with every server of it. */
const LONGEST = 16_384

const servers = () => z.union([uuid(), z.array(uuid())])

/**
 * Hints in Nova's words and ours; others are taken as they are, as Nova takes them (nova/api/openstack/compute/schemas/servers.py, `_hints`).
 * One with our prefix that means nothing is refused: it would be a rule that nobody keeps.
 */
export const hints = () =>
  z
    .looseObject({
      group: uuid().optional(),
      different_host: servers().optional(),
      same_host: servers().optional(),
      query: z
        .union([z.string(), z.record(z.string(), z.unknown())], {
          error: (issue) => `${JSON.stringify(issue.input)} is not of type 'string', 'object'`,
        })
        .optional(),
      target_cell: name().optional(),
      different_cell: z.union([text(0, 65_535), z.array(text(0, 65_535))]).optional(),
      build_near_host_ip: address().optional(),
      cidr: matching(/^\/[0-9a-f.:]+$/).optional(),
      [FORK_OF]: uuid().optional(),
      [TTL]: integer(1).optional(),
      [REACH]: z.literal('routed').optional(),
    })
    .superRefine((given, context) => {
      for (const each of Object.keys(given).filter(isMisspelt))
        context.addIssue({ code: 'custom', path: [each], message: `there is no scheduler hint ${each}` })
      if (JSON.stringify(given).length > LONGEST)
        context.addIssue({ code: 'custom', message: `they are longer than ${LONGEST} characters` })
    })

export type Hints = Record<string, Json> & {
  group?: string | undefined
  [FORK_OF]?: string | undefined
  [TTL]?: number | undefined
  [REACH]?: 'routed' | undefined
}
