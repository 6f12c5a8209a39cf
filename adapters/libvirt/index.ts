import type { Adapter, Connection } from '../contract.ts'
import { assertConfigured, credentialFaults, usable } from '../shared/registration.ts'
import { soldPrices } from '../shared/sizes.ts'
import { check } from './check.ts'
import { image } from './compute/image.ts'
import { networkInterface } from './compute/interface.ts'
import { server } from './compute/server.ts'
import type { Context } from './context.ts'
import { RESERVED } from './network/libvirt-network.ts'
import { network } from './network/network.ts'
import { port } from './network/port.ts'
import { heldRanges } from './network/ranges.ts'
import { securityGroup } from './network/security-group.ts'
import { LIMITS as SUBNET_LIMITS, subnet } from './network/subnet.ts'
import { wireOf } from './network/wire.ts'
import { offers } from './offers.ts'
import { type HostOption, readMapping, readOptions } from './options.ts'
import { attachment, deviceNamed } from './storage/attachment.ts'
import { snapshot } from './storage/snapshot.ts'
import { volume } from './storage/volume.ts'
import { watch } from './watch.ts'
import { zones } from './zones.ts'

const CERTIFICATE = ['client_certificate', 'client_key']
/** Of SASL. */
const NAMED = ['username', 'password']
/** Of SSH. */
const LOGIN = ['private_key', 'passphrase']
const PRIVATE_KEY = /^\s{0,8}-----BEGIN (OPENSSH|RSA|EC) PRIVATE KEY-----/

/** Sockets of Workers speak TLS of public authorities, and show nothing of ours. */
const faultsOnWorkers = (hosts: HostOption[], credentials: Record<string, string>): string[] => [
  ...hosts.flatMap(({ name, way }) =>
    way.to.kind === 'tls' ? [] : [`Host ${name} cannot be reached from Workers, which speak TLS alone: qemu+tls.`],
  ),
  ...(CERTIFICATE.some((name) => credentials[name])
    ? ['Workers show no certificate of a client: the hosts need to ask for a login by SASL instead.']
    : []),
  ...(NAMED.every((name) => credentials[name]) ? [] : ['On Workers the credentials need username and password.']),
]

const validate: Adapter['validate'] = ({ endpoint, options, credentials }, runtime) => {
  const {
    options: { hosts },
    faults,
  } = readOptions(options)
  if (endpoint !== null) faults.push('A cloud of type libvirt has no endpoint: its hosts are listed in option hosts.')
  const given = CERTIFICATE.filter((name) => credentials[name])
  const key = hosts.some(({ way }) => way.to.kind === 'ssh') ? ['private_key'] : []
  const named = NAMED.some((name) => credentials[name]) ? NAMED : []
  const needed = [...(given.length ? CERTIFICATE : []), ...key, ...named]
  faults.push(...credentialFaults(credentials, needed, [...CERTIFICATE, ...LOGIN, ...NAMED]))
  if (credentials.private_key && !PRIVATE_KEY.test(credentials.private_key))
    faults.push('The private_key is none as ssh-keygen writes it: BEGIN OPENSSH, RSA or EC PRIVATE KEY.')
  if (runtime === 'workers') faults.push(...faultsOnWorkers(hosts, credentials))
  return faults
}

/** Nothing in libvirt's protocol tells it. */
const advice: NonNullable<Adapter['advice']> = () => [
  'Security groups hold where a host hands bridged packets to iptables, as its sysctl net.bridge.bridge-nf-call-iptables says by 1; say filters none or trusted where it does not.',
]

/** What is seen depends on the hosts alone. */
const account = ({ options }: Connection): string => ['libvirt', JSON.stringify(options.hosts ?? null)].join('|')

/** Hosts that run libvirt with QEMU. */
export const libvirt: Adapter = {
  type: 'libvirt',
  runtimes: ['node', 'workers'],
  maturity: 'real',
  reservedAddresses: RESERVED,
  zonalSubnets: true,
  deviceFor: deviceNamed,
  wires: (options) => readOptions(options).options.bridges.map(wireOf),
  limits: {
    subnet: SUBNET_LIMITS,
    port: { subnets: 1, unfiltered: true, pairs: { families: [4], macs: 'any' } },
    server: { ports: 0 },
  },
  imageFormats: ['qcow2/bare'],
  lacks: {
    'security_group.stateless': 'The filters of KVM hosts follow connections, and let what answers pass.',
    keypair: 'KVM hosts keep no keypairs: the public key itself is written for the guest.',
    router: 'Networks on KVM hosts are not joined by routers: option forward says whether they lead out by their host.',
    'network.external':
      'KVM hosts lead networks out by themselves (option forward), by no router and to no public address.',
    floating_ip: 'KVM hosts route no public addresses to servers yet.',
    'port.dhcp_options': 'The DHCP of libvirt tells all guests of a network the same, but for their addresses.',
    'port.bandwidth': 'The traffic of ports on KVM hosts is not limited yet.',
    'port.readdress': 'Addresses of a port on KVM hosts do not change while a server has it: its guest was told them.',
    'server.reseed':
      'A rebuild on KVM hosts leaves the drive that the guest reads as it is: its key and user data stay.',
    'server.fork': 'KVM hosts make no server out of the memory of another.',
    'volume.type': 'Volumes on KVM hosts go to one pool, so they are of one kind.',
    'volume.retype': 'Volumes on KVM hosts are of one kind, and stay it.',
  },
  validate,
  asks: {
    options: [
      { name: 'hosts', usual: null, want: 'a list of {name, uri, host_key?, zone?, maintenance?}', required: true },
      {
        name: 'sizes',
        usual: null,
        want: 'a list of {name, vcpus, ram_mib, disk_gib?, arch?, price?}',
        required: true,
      },
      { name: 'bridges', usual: [], want: 'a list of {name, bridge, kind?, vlans?}', required: false },
      ...readOptions({}).asked,
    ],
    credentials: [...LOGIN, ...NAMED, ...CERTIFICATE].map((name) => ({ name, required: false })),
  },
  advice,
  account,
  connect(connection, surroundings) {
    const { options, faults } = readOptions(connection.options)
    assertConfigured(faults)
    usable(readMapping(connection.mapping), 'The project has no usable place on this cloud.')
    const context: Context = { connection, options, surroundings }
    return {
      check: () => check(context),
      watch: (signal) => watch(context, signal),
      zones: () => zones(context),
      offers: async () => offers(context),
      prices: async () => soldPrices(context),
      heldRanges: () => heldRanges(context),
      server: server(context),
      image: image(context),
      network: network(context),
      subnet: subnet(context),
      security_group: securityGroup(context),
      port: port(context),
      volume: volume(context),
      snapshot: snapshot(context),
      attachment: attachment(context),
      interface: networkInterface(context),
    }
  },
}
