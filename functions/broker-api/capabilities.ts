import { cloudsFor } from '../../db/queries/clouds/clouds.ts'
import { describeCloud } from '../broker/clouds/registration.ts'
import { type Operation, operation } from '../http/operation.ts'

export const capabilityOperations: Operation[] = [
  operation({
    name: 'capability.list',
    method: 'GET',
    path: '/v1/capabilities',
    who: 'reader',
    summary: "What each of the project's clouds can do, how far that is proved, and why it cannot do the rest.",
    status: 200,
    handle: async ({ context }) => {
      const rows = await cloudsFor(context.db, context.scope)
      return { body: { clouds: await Promise.all(rows.map((row) => describeCloud(context, row))) } }
    },
  }),
]
