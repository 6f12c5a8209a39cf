import { notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { modified } from './modified.ts'

/** What of these zones of clouds have, and servers take. */
export const HELD = ['VCPU', 'MEMORY_MB', 'DISK_GB'] as const

/** The standard ones (os-resource-classes), in their order; there are none of anybody's own. */
const CLASSES: readonly string[] = [
  ...HELD,
  ...['PCI_DEVICE', 'SRIOV_NET_VF', 'NUMA_SOCKET', 'NUMA_CORE', 'NUMA_THREAD', 'NUMA_MEMORY_MB', 'IPV4_ADDRESS'],
  ...['VGPU', 'VGPU_DISPLAY_HEAD', 'NET_BW_EGR_KILOBIT_PER_SEC', 'NET_BW_IGR_KILOBIT_PER_SEC', 'PCPU'],
  ...['MEM_ENCRYPTION_CONTEXT', 'FPGA', 'PGPU', 'NET_PACKET_RATE_KILOPACKET_PER_SEC'],
  ...['NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC', 'NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC'],
]
export const isResourceClass = (name: string): boolean => CLASSES.includes(name)

const view = (name: string, { base }: Pick<Input, 'base'>) => ({
  name,
  links: [{ rel: 'self', href: `${new URL(base).pathname}/resource_classes/${name}` }],
})

/** https://docs.openstack.org/api-ref/placement/#resource-classes */
export const resourceClassOperations: Operation[] = [
  operation({
    name: 'resource_class.list',
    method: 'GET',
    path: '/resource_classes',
    who: 'admin',
    summary: 'The standard classes of resources; zones of clouds have `VCPU`, `MEMORY_MB` and `DISK_GB`.',
    status: 200,
    since: 2,
    handle: (input) => ({
      body: { resource_classes: CLASSES.map((name) => view(name, input)) },
      ...modified(input),
    }),
  }),
  operation({
    name: 'resource_class.show',
    method: 'GET',
    path: '/resource_classes/:name',
    who: 'admin',
    summary: 'One of them.',
    status: 200,
    since: 2,
    handle: (input) => {
      const name = input.params.name!
      if (!isResourceClass(name)) throw notFound(`No such resource class ${name}.`)
      return { body: view(name, input), ...modified(input) }
    },
  }),
]
