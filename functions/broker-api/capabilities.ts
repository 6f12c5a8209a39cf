import { cloudsFor } from '../../db/queries/clouds/clouds.ts'
import { cloudTypes, describeCloud } from '../broker/clouds/registration.ts'
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
  operation({
    name: 'cloud_type.list',
    method: 'GET',
    path: '/v1/cloud-types',
    who: 'admin',
    summary:
      'Which types of clouds there are, how far each is proved, and what a cloud of it is registered with: options with their defaults and what each must be, and credentials.',
    status: 200,
    handle: async ({ context }) => ({
      body: {
        cloud_types: (await cloudTypes(context)).map(
          ({ type, maturity, runtimes, runsHere, options, credentials }) => ({
            type,
            maturity,
            runtimes,
            runs_here: runsHere,
            options: options.map(({ name, usual, want, required }) => ({
              name,
              default: usual,
              must_be: want,
              required,
            })),
            credentials,
          }),
        ),
      },
    }),
  }),
]
