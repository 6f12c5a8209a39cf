import type { Adapter } from '../../adapters/contract.ts'
import { adapters } from '../../adapters/registry.ts'
import { sandbox } from '../../adapters/sandbox/index.ts'

export const WHY_OPEN = 'The open cloud filters no traffic, so ports have to be made without security groups.'

/** The embedded cloud without security groups: it takes only ports that ask for no filtering, as vSphere without NSX. */
const open: Adapter = {
  ...sandbox,
  type: 'open',
  lacks: { ...sandbox.lacks, security_group: WHY_OPEN },
  connect(connection, surroundings) {
    const { security_group: _, port, ...cloud } = sandbox.connect(connection, surroundings)
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
