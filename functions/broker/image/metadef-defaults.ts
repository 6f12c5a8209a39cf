import {
  defaultsBrought,
  insertItemsOfDefaults,
  insertNamespaces,
  type MetadefItem,
  type NamespaceRow,
  noteDefaults,
} from '../../../db/queries/image/metadefs.ts'
import type { Context } from '../../context.ts'
import { uuid5 } from '../line/uuid.ts'

/*
 * What this broker heeds of what is said of images, flavors and servers, told in Glance's words: nothing that it does not
 * read is here.
 */

interface Property {
  title: string
  description: string
  type?: 'string' | 'boolean' | 'integer'
  enum?: string[]
  minimum?: number
}
interface Default {
  namespace: string
  display: string
  description: string
  on: { name: string; prefix?: string; properties_target?: string }[]
  properties: Record<string, Property>
}

const IMAGE = { name: 'OS::Glance::Image' }
const VOLUME = { name: 'OS::Cinder::Volume', properties_target: 'image' }
const FLAVOR = { name: 'OS::Nova::Flavor' }
const SERVER = { name: 'OS::Nova::Server', properties_target: 'metadata' }

const DEFAULTS: Default[] = [
  {
    namespace: 'OS::Compute::Processor',
    display: 'Processor',
    description: 'For which processors the system in an image was built. Servers of it go to sizes that have them.',
    on: [IMAGE, VOLUME],
    properties: {
      architecture: {
        title: 'Architecture',
        description: 'What the system runs on. Without it an image is taken for one of x86_64.',
        enum: ['x86_64', 'aarch64'],
      },
    },
  },
  {
    namespace: 'OS::Compute::GuestSystem',
    display: 'Guest system',
    description: 'What runs in an image, as far as clouds ask for it.',
    on: [IMAGE, VOLUME],
    properties: {
      os_type: {
        title: 'Kind of system',
        description:
          'Clouds that license or prepare Windows apart are told so. Without it an image is taken for Linux.',
        enum: ['linux', 'windows'],
      },
      os_admin_user: {
        title: 'Administrator',
        description: 'The user of the guest whose password is set where a cloud can do that by an agent in the guest.',
      },
      os_require_quiesce: {
        title: 'Copies need a quiet guest',
        description:
          'A copy of a running server fails where the agent in the guest does not hold its file systems still.',
        type: 'boolean',
      },
    },
  },
  {
    namespace: 'OS::Compute::VirtualHardware',
    display: 'Virtual hardware',
    description:
      'Of what a KVM host builds the machine of an image. Clouds with machines of their own kind do not ask.',
    on: [IMAGE, VOLUME],
    properties: {
      hw_machine_type: {
        title: 'Machine',
        description:
          'Its chip set: q35 unless said otherwise, virt for ARM. Which version of it there is, the host knows.',
        enum: ['q35', 'pc', 'virt'],
      },
      hw_firmware_type: {
        title: 'Firmware',
        description: 'By what it starts: bios unless said otherwise, uefi for ARM.',
        enum: ['bios', 'uefi'],
      },
      hw_disk_bus: {
        title: 'Bus of disks',
        description: 'How disks are attached. Only machines of type pc have ide.',
        enum: ['virtio', 'scsi', 'sata', 'ide', 'usb'],
      },
      hw_vif_model: {
        title: 'Network card',
        description: 'The model of its cards.',
        enum: ['virtio', 'e1000', 'e1000e', 'rtl8139', 'ne2k_pci', 'pcnet', 'vmxnet3'],
      },
      hw_qemu_guest_agent: {
        title: 'Guest agent',
        description: 'An agent in the guest answers the host: addresses are seen, and copies hold file systems still.',
        type: 'boolean',
      },
    },
  },
  {
    namespace: 'Plimsoll::Images',
    display: 'Images of a broker',
    description: 'What this broker alone reads of an image.',
    on: [IMAGE],
    properties: {
      'plimsoll:fork_of': {
        title: 'Stands for a running server',
        description: 'The id of a server. Who boots from the image gets a fork of that server.',
      },
    },
  },
  {
    namespace: 'Plimsoll::Placement',
    display: 'Placement and price',
    description: 'Where servers may go and what they may cost: of a flavor for all of that size, or of one server.',
    on: [FLAVOR, SERVER],
    properties: {
      'plimsoll:spot': {
        title: 'Spot',
        description: 'Whether machines are taken that their cloud may take back, where it has some.',
        enum: ['never', 'allowed', 'preferred'],
      },
      'plimsoll:never_spill': {
        title: 'Stays at home',
        description: 'Goes to no other cloud than the first of the project, however full that is.',
        enum: ['true', 'false'],
      },
      'plimsoll:max_hourly_cost': {
        title: 'Most that an hour may cost',
        description: 'An amount like 0.10, or 0.10 EUR: dearer places are left out.',
      },
    },
  },
  {
    namespace: 'Plimsoll::Lifetime',
    display: 'Lifetime',
    description: 'How long a server runs, and what may be done with it meanwhile.',
    on: [SERVER],
    properties: {
      'plimsoll:lease': { title: 'Lease', description: 'How long it may run: 90m, 2h or 1d12h.' },
      'plimsoll:lease_end': {
        title: 'End of the lease',
        description: 'What becomes of it then.',
        enum: ['stop', 'delete'],
      },
      'plimsoll:stop_at_budget': {
        title: 'Stops when the budget is spent',
        description: 'It is stopped, and not deleted, when its project has spent its budget.',
        enum: ['true', 'false'],
      },
      'plimsoll:movable': {
        title: 'May begin again',
        description:
          'It may be made anew from its image on another cloud, under the same id. Nothing on its disk comes along.',
        enum: ['true', 'false'],
      },
      'plimsoll:busy': {
        title: 'Is at work',
        description: 'While it says so it is not made anew elsewhere for the sake of order.',
        enum: ['true', 'false'],
      },
    },
  },
]

/** Which set this is: a later one is brought once as well. */
const VERSION = '1'

/** Rows of the set, the same in every deployment. */
const rowsAt = (now: number): { namespaces: NamespaceRow[]; items: MetadefItem[] } => {
  const times = { createdAt: now, updatedAt: now }
  const namespaces = DEFAULTS.map(({ namespace, display, description }) => ({
    ...{ id: uuid5(`metadefs ${namespace}`), namespace, projectId: null, displayName: display, description },
    ...{ visibility: 'public' as const, protected: true, ...times },
  }))
  const items = DEFAULTS.flatMap(({ properties, on }, i) => {
    const at = { namespaceId: namespaces[i]!.id, ...times }
    const said = Object.entries(properties).map(([name, property]) => ({
      ...{ ...at, kind: 'property' as const, name },
      body: { type: 'string', ...property },
    }))
    return [...said, ...on.map(({ name, ...body }) => ({ ...at, kind: 'resource_type' as const, name, body }))]
  })
  return { namespaces, items }
}

/** Statements by which a deployment has them from its beginning on. */
export const defaultMetadefs = ({ db, now }: Pick<Context, 'db' | 'now'>) => {
  const { namespaces, items } = rowsAt(now())
  return [insertNamespaces(db, namespaces), insertItemsOfDefaults(db, items), noteDefaults(db, VERSION)] as const
}

/** Brings them to a deployment that is older than they are, once: what an administrator removed stays away. */
export const bringMetadefs = async (context: Context): Promise<void> => {
  if ((await defaultsBrought(context.db)) !== VERSION) await context.db.batch([...defaultMetadefs(context)])
}
