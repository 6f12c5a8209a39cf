import type { Adapter, SubnetSpec, Wire } from '../../../adapters/contract.ts'
import { adapters } from '../../../adapters/registry.ts'
import { sandbox } from '../../../adapters/sandbox/index.ts'

export const WHY_UNFILTERED = 'Nothing looks at what goes over the trunk.'

const WIRES: Wire[] = [
  { name: 'office', vlans: null, flat: true, whyUnfiltered: null },
  { name: 'trunk', vlans: [100, 199], flat: false, whyUnfiltered: WHY_UNFILTERED },
]

/** What was asked of subnets there. */
export const asked: SubnetSpec[] = []

/** As a KVM host: a gateway is the first address, where it is the cloud's to say. */
const cloud: Adapter = {
  ...sandbox,
  type: 'wired',
  limits: { ...sandbox.limits, subnet: { ...sandbox.limits.subnet, gateway: 'first' } },
  wires: () => WIRES,
  connect(connection, surroundings) {
    const { subnet, ...more } = sandbox.connect(connection, surroundings)
    const create: NonNullable<typeof subnet>['create'] = (spec, mark) => {
      asked.push(spec)
      return subnet!.create(spec, mark)
    }
    return { ...more, subnet: { ...subnet!, create } }
  },
}

/** Registers the cloud type `wired`: the embedded cloud, if its operator had wired something. */
export const wiredCloudType = (): void => {
  adapters.wired = async () => cloud
}
