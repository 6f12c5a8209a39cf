import { type Adapter, ANY_SUBNET, type Connection } from '../contract.ts'
import { isHttpUrl } from '../shared/options.ts'
import { assertConfigured, credentialFaults, usable } from '../shared/registration.ts'
import { soldPrices } from '../shared/sizes.ts'
import { check } from './check.ts'
import { image } from './compute/image.ts'
import { networkInterface } from './compute/interface.ts'
import { server } from './compute/server.ts'
import { serverGroup } from './compute/server-group.ts'
import type { Context } from './context.ts'
import { network } from './network/network.ts'
import { port } from './network/port.ts'
import { RESERVED, subnet } from './network/subnet.ts'
import { offers } from './offers.ts'
import { readMapping, readOptions } from './options.ts'
import { attachment } from './storage/attachment.ts'
import { snapshot } from './storage/snapshot.ts'
import { volume, volumeTypes } from './storage/volume.ts'
import { watch } from './watch.ts'
import { connectVim, vcenterKey } from './wire/client.ts'
import { zones } from './zones.ts'

const validate: Adapter['validate'] = ({ endpoint, options, credentials }) => {
  const faults = readOptions(options).faults
  if (endpoint === null || !isHttpUrl(endpoint))
    faults.push('A cloud of type vsphere needs the URL of its vCenter as endpoint.')
  faults.push(...credentialFaults(credentials, ['username', 'password']))
  return faults
}

const advice: NonNullable<Adapter['advice']> = (_connection, runtime) =>
  runtime === 'node'
    ? []
    : [
        'Workers accept certificates of a public authority only: vCenter needs one, or a tunnel, a proxy or a VPC binding in front of it that has one.',
        'On Workers, power changes made in vCenter show with the next sweep, within about a minute; on Node they show within seconds.',
      ]

/** What is seen depends on the user's permissions, never on the project's folder. */
const account = (connection: Connection): string =>
  [
    'vsphere',
    vcenterKey(connection),
    connection.credentials.username ?? '',
    JSON.stringify(connection.options.datacenter ?? null),
  ].join('|')

/** VMware vCenter 7, 8 and 9. */
export const vsphere: Adapter = {
  type: 'vsphere',
  runtimes: ['node', 'workers'],
  maturity: 'simulator',
  reservedAddresses: RESERVED,
  limits: { subnet: ANY_SUBNET, port: { unfiltered: true }, server: { ports: 0, mostPorts: 10 } },
  imageFormats: ['vmdk/bare', 'vmdk/ova'],
  vmdkType: 'streamOptimized',
  lacks: {
    router: 'VMware vSphere routes nothing without NSX; the gateway of a network is a router outside of it.',
    'security_group.stateless': 'VMware vSphere filters no traffic without NSX.',
    security_group: 'VMware vSphere filters no traffic without NSX, so ports have to be made without security groups.',
    'network.external':
      'VMware vSphere routes and translates nothing without NSX: no network of its stands for what is outside.',
    floating_ip:
      'VMware vSphere translates no addresses without NSX; give the server a port on a network that is public.',
    'port.address_pairs':
      'VMware vSphere looks at no IP addresses without NSX, so there are none to allow; other MAC addresses are for the policy of a port group to let pass, which stays as its operator has it.',
    'port.dhcp_options': 'VMware vSphere serves no DHCP; what does on a port group is not asked.',
    'port.bandwidth':
      'VMware vSphere shapes the traffic of port groups, which have to be distributed and are shared by their servers; single ports are not limited.',
    'port.readdress':
      'Addresses of a port on VMware vSphere do not change while a server has it: its guest was told them.',
    keypair: 'VMware vSphere keeps no keys; the public key is handed to the server through cloud-init.',
    'server.pause': 'VMware vSphere suspends servers to disk but does not pause them in memory.',
    'server.reseed': 'A rebuild on VMware vSphere leaves what the guest reads as it is: its key and user data stay.',
    'server.rescue': 'VMware vSphere has no rescue mode; attach the volume to another server instead.',
    'server.diagnostics': 'VMware vSphere counts what a machine uses by its performance manager, which is not asked.',
    'server.change_password':
      'VMware vSphere changes passwords only for somebody who knows one; log in through the console and change it there.',
    'volume.retype': 'A disk on VMware vSphere stays on the datastore, and as thick, as it was made.',
    'volume.backup': 'Snapshots are parts of their disk, and go with it.',
    'volume.clone': 'Volumes are copied by way of a snapshot only.',
  },
  unverified: {
    server_group:
      'Rules of a cluster were only simulated, where no scheduler moves machines by them; each server is put on a host of our choice besides.',
    'server_group.affinity': 'Rules of a cluster were only simulated, as for servers apart.',
    'server.boot_from_volume':
      'A disk that takes the place of a template was only simulated; no vCenter has started a server from a volume for us yet.',
    'server.fork': 'Instant clones were only simulated, without memory; no vCenter has made one for us yet.',
    'image.upload': 'Imports were only simulated; no real host took the bytes of a disk yet.',
    'image.volume': 'The copy of a disk that becomes a template was only simulated, whose disks are empty.',
    'server.rebuild': 'The exchange of a disk was only simulated, whose disks are empty.',
    'server.config_drive':
      'The image of a config drive was only put into the drive of a simulated machine; no guest has read one yet.',
    'server.remote_console': 'Tickets for the screen were only simulated; no browser opened one on a real host.',
    'server.console_log': 'The file of a serial port was read from a simulator, whose servers write nothing into it.',
  },
  validate,
  asks: {
    options: [
      {
        name: 'sizes',
        usual: null,
        want: 'a list of {name, vcpus, ram_mib, disk_gib?, arch?, zones?, price?}',
        required: true,
      },
      {
        name: 'switch',
        usual: null,
        want: 'an object of name and vlans, e.g. {"name": "dvs", "vlans": "100-199"}',
        required: false,
      },
      ...readOptions({}).asked,
    ],
    credentials: ['username', 'password'].map((name) => ({ name, required: true })),
  },
  advice,
  account,
  connect(connection, surroundings) {
    const { options, faults } = readOptions(connection.options)
    assertConfigured(faults)
    const mapping = usable(readMapping(connection.mapping), 'The project has no usable place on this cloud.')
    const vim = connectVim(connection, surroundings)
    const context: Context = {
      vim,
      connection,
      options,
      mapping,
      surroundings,
      storePrefix: `vsphere/${vcenterKey(connection)}`,
    }
    return {
      check: () => check(context),
      watch: (signal) => watch(context, signal),
      ...(options.configDrive === 'guestinfo' ? { driveBy: options.configDrive } : {}),
      zones: () => zones(context),
      offers: () => offers(context),
      prices: async () => soldPrices(context),
      volumeTypes: async () => volumeTypes(context),
      heldRanges: async () =>
        Object.entries(options.ranges).flatMap(([network, cidrs]) =>
          cidrs.map((cidr) => ({ cidr, network, whole: true })),
        ),
      server: server(context),
      server_group: serverGroup(context),
      image: image(context),
      network: network(context),
      subnet: subnet(context),
      port: port(context),
      volume: volume(context),
      snapshot: snapshot(context),
      attachment: attachment(context),
      interface: networkInterface(context),
    }
  },
}
