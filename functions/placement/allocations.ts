import * as z from 'zod'
import {
  type AllocationRow,
  allocationOf,
  allocationWithProvider,
  usageOf,
} from '../../db/queries/compute/providers.ts'
import { badRequest, forbidden } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { modified } from './modified.ts'
import { numberOf, providerId, providerIn } from './provider.ts'

/* placement/handlers/allocation.py, usage.py */

/** By class; none of nothing. */
export const resourcesOf = ({ vcpus, ramMib, diskGib }: Pick<AllocationRow, 'vcpus' | 'ramMib' | 'diskGib'>) => ({
  VCPU: vcpus,
  MEMORY_MB: ramMib,
  ...(diskGib > 0 ? { DISK_GB: diskGib } : {}),
})

/** Another number where a server takes something else, or elsewhere. */
export const consumerGeneration = ({ serverId, cloudId, zone, ...row }: AllocationRow): number =>
  numberOf(JSON.stringify([serverId, cloudId, zone, resourcesOf(row)]))

/** Servers are the only consumers. */
const TYPE = 'INSTANCE'

const usageQuery = (version: number) =>
  z.strictObject({
    project_id: z.string().min(1).max(255),
    user_id: z.string().min(1).max(255).optional(),
    ...(version >= 38
      ? {
          consumer_type: z
            .string()
            .regex(/^([A-Z0-9_]{1,255}|all|unknown)$/)
            .optional(),
        }
      : {}),
  }) as unknown as z.ZodType<Record<string, string | undefined>>

/** https://docs.openstack.org/api-ref/placement/#allocations and #usages */
export const allocationOperations: Operation[] = [
  operation({
    name: 'allocation.show',
    method: 'GET',
    path: '/allocations/:consumer',
    who: 'admin',
    summary: 'What a server takes, and of which zone of a cloud; of nobody else anything is known.',
    status: 200,
    handle: async (input) => {
      const { context, version, params } = input
      if (!/^[0-9a-f-]{32,36}$/i.test(params.consumer!)) throw badRequest(`Invalid uuid ${params.consumer}`)
      const id = params.consumer!.toLowerCase()
      const found = await allocationWithProvider(context.db, id)
      const row = found?.row ?? (await allocationOf(context.db, id))
      if (!row) return { body: { allocations: {} }, ...modified(input) }
      const uuid = providerId(row.cloudId, row.zone)
      const generation = found ? providerIn(found.provider).generation : 0
      return {
        body: {
          allocations: { [uuid]: { generation, resources: resourcesOf(row) } },
          ...(version >= 12 ? { project_id: row.projectId, user_id: row.userId } : {}),
          ...(version >= 28 ? { consumer_generation: consumerGeneration(row) } : {}),
          ...(version >= 38 ? { consumer_type: TYPE } : {}),
        },
        ...modified(input),
      }
    },
  }),
  operation({
    name: 'usage.list',
    method: 'GET',
    path: '/usages',
    who: 'reader',
    summary: 'What servers of a project, or of one user in it, take; administrators ask for any project.',
    status: 200,
    since: 9,
    query: usageQuery,
    handle: async (input) => {
      const { context, query, version } = input
      const { isAdmin, projectId } = context.caller!
      if (!isAdmin && query.project_id !== projectId)
        throw forbidden('Policy does not allow placement:usages to be performed.')
      const used = await usageOf(context.db, query.project_id!, query.user_id)
      const taken = used.servers ? resourcesOf(used) : {}
      if (version < 38) return { body: { usages: taken }, ...modified(input) }
      const asked = query.consumer_type ?? TYPE
      const counted = { ...taken, consumer_count: used.servers }
      const usages = used.servers && [TYPE, 'all'].includes(asked) ? { [asked]: counted } : {}
      return { body: { usages }, ...modified(input) }
    },
  }),
]
