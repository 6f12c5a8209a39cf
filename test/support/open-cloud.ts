import { type Adapter, isTask, type NetworkSeen, type Seen } from '../../adapters/contract.ts'
import { adapters } from '../../adapters/registry.ts'
import { sandbox } from '../../adapters/sandbox/index.ts'

export const WHY_OPEN = 'The open cloud filters no traffic, so ports have to be made without security groups.'

export const WHY_UNPAIRED = 'The open cloud looks at no addresses, so there are none to allow.'

export const WHY_UNSHAPED = 'The open cloud limits nothing that passes a port.'

export const WHY_UNTOLD = 'The open cloud tells guests nothing but their addresses.'

export const WHY_UNROUTED = 'The open cloud routes nothing; the gateway of a network is a router outside of it.'

const renumbered = new Map<string, number>()

/** Somebody at the cloud gives a network another VLAN. */
export const renumber = (nativeId: string, vlan: number): void => void renumbered.set(nativeId, vlan)

/** A VLAN for each network, as its id has it. */
const vlanOf = (id: string): number =>
  renumbered.get(id) ?? 100 + [...id].reduce((sum, each) => sum + each.charCodeAt(0), 0)
const told = (seen: Seen): NetworkSeen => ({ ...seen, segmentationId: vlanOf(seen.id) })

/**
 * The embedded cloud as vSphere without NSX is: no routers, no keypairs, only ports that ask for no filtering, and networks
 * that are VLANs.
 */
const open: Adapter = {
  ...sandbox,
  type: 'open',
  lacks: {
    ...sandbox.lacks,
    security_group: WHY_OPEN,
    'security_group.stateless': WHY_OPEN,
    router: WHY_UNROUTED,
    keypair: 'The open cloud keeps no keys.',
    'port.address_pairs': WHY_UNPAIRED,
    'port.bandwidth': WHY_UNSHAPED,
    'port.dhcp_options': WHY_UNTOLD,
  },
  connect(connection, surroundings) {
    const {
      security_group: _,
      router: __,
      keypair: ___,
      port,
      network,
      ...cloud
    } = sandbox.connect(connection, surroundings)
    return {
      ...cloud,
      network: {
        ...network!,
        async get(id) {
          const seen = await network!.get(id)
          return seen && told(seen)
        },
        async create(spec, mark) {
          const seen = await network!.create(spec, mark)
          return isTask(seen) ? seen : told(seen)
        },
        async list(cursor, since) {
          const page = await network!.list(cursor, since)
          return { ...page, items: page.items.map(told) }
        },
      },
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
