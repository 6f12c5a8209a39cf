import type { Adapter } from '../../adapters/contract.ts'
import { CloudError } from '../../adapters/errors.ts'
import { adapters } from '../../adapters/registry.ts'
import { sandbox } from '../../adapters/sandbox/index.ts'

export const WHY_STILL = 'Only a server that runs can be forked.'

const { 'server.fork': _, ...lacks } = sandbox.lacks

/** The embedded cloud as one that keeps the memory of its servers for others to go on from; it has none to keep. */
const forking: Adapter = {
  ...sandbox,
  type: 'forking',
  lacks,
  unverified: { 'server.fork': 'There is no memory.' },
  connect(connection, surroundings) {
    const cloud = sandbox.connect(connection, surroundings)
    const { server } = cloud
    return {
      ...cloud,
      server: {
        ...server,
        forks: true,
        find: (mark, spec) => server.find(mark, { ...spec, fork: null }),
        async create({ fork, ...spec }, mark) {
          const parent = fork === null ? null : await server.get(fork)
          if (fork !== null && parent?.power !== 'running') throw new CloudError('conflict', WHY_STILL)
          return server.create({ ...spec, fork: null }, mark)
        },
      },
    }
  },
}

/** Registers the cloud type `forking`. */
export const forkingCloudType = (): void => {
  adapters.forking = async () => forking
}
