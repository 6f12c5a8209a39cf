import { aws } from '../../adapters/aws/index.ts'
import type { Adapter } from '../../adapters/contract.ts'
import { CloudError } from '../../adapters/errors.ts'
import { adapters } from '../../adapters/registry.ts'
import { sandbox } from '../../adapters/sandbox/index.ts'

/** What the cloud does with every server while it is set. */
export const narrow = { refusing: false }

/** The embedded cloud with the limits of EC2. */
const cloud: Adapter = {
  ...sandbox,
  type: 'narrow',
  limits: aws.limits,
  lacks: {
    ...sandbox.lacks,
    'server_group.affinity': aws.lacks['server_group.affinity']!,
    'server.reseed': aws.lacks['server.reseed']!,
  },
  connect(connection, surroundings) {
    const {
      server: { reseeds: _, ...server },
      ...more
    } = sandbox.connect(connection, surroundings)
    return {
      ...more,
      server: {
        ...server,
        async create(spec, mark) {
          if (narrow.refusing) throw new CloudError('definitive', 'The cloud wants no such server.')
          return server.create(spec, mark)
        },
      },
    }
  },
}

/** Registers the cloud type `narrow`, which refuses nothing yet. */
export const narrowCloudType = (): void => {
  narrow.refusing = false
  adapters.narrow = async () => cloud
}
