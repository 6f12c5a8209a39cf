import type { Adapter } from '../../adapters/contract.ts'
import { adapters } from '../../adapters/registry.ts'
import { sandbox } from '../../adapters/sandbox/index.ts'

export const WHY_OPEN = 'The open cloud filters no traffic, so ports have to be made without security groups.'

export const WHY_UNROUTED = 'The open cloud routes nothing; the gateway of a network is a router outside of it.'

/** The embedded cloud as vSphere without NSX is: no routers, no keypairs, and only ports that ask for no filtering. */
const open: Adapter = {
  ...sandbox,
  type: 'open',
  lacks: { ...sandbox.lacks, security_group: WHY_OPEN, router: WHY_UNROUTED, keypair: 'The open cloud keeps no keys.' },
  connect(connection, surroundings) {
    const { security_group: _, router: __, keypair: ___, port, ...cloud } = sandbox.connect(connection, surroundings)
    return {
      ...cloud,
      port: {
        ...port!,
        create(spec, mark) {
          if (spec.portSecurity || spec.securityGroups.length) throw new Error('a port that asks for filtering')
          return port!.create(spec, mark)
        },
      },
    }
  },
}

/** Registers the cloud type `open`. */
export const openCloudType = (): void => {
  adapters.open = async () => open
}
