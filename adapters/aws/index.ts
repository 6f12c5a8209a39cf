import type { Adapter, Connection } from '../contract.ts'
import { isHttpUrl } from '../shared/options.ts'
import { assertConfigured, credentialFaults, usable } from '../shared/registration.ts'
import { check } from './check.ts'
import { image } from './compute/image.ts'
import { networkInterface } from './compute/interface.ts'
import { keypair } from './compute/keypair.ts'
import { placementGroup } from './compute/placement-group.ts'
import { server } from './compute/server.ts'
import type { Context } from './context.ts'
import { limitsWith } from './limits.ts'
import { METADATA_ITEMS, METADATA_KEY } from './marks.ts'
import { floatingIp } from './network/floating-ip.ts'
import { network } from './network/network.ts'
import { port } from './network/port.ts'
import { heldRanges } from './network/ranges.ts'
import { router } from './network/router.ts'
import { securityGroup } from './network/security-group.ts'
import { RESERVED, subnet } from './network/subnet.ts'
import { offers } from './offers.ts'
import { readMapping, readOptions } from './options.ts'
import { partPrices } from './part-prices.ts'
import { prices } from './prices.ts'
import { attachment, deviceNamed } from './storage/attachment.ts'
import { snapshot } from './storage/snapshot.ts'
import { volume, volumeTypes } from './storage/volume.ts'
import { connectEc2 } from './wire/client.ts'
import { zones } from './zones.ts'

const validate: Adapter['validate'] = ({ endpoint, region, options, credentials }) => {
  const faults = readOptions(options).faults
  if (!region || !/^[a-z0-9-]+$/.test(region)) faults.push('A cloud of type aws needs a region, e.g. eu-central-1.')
  if (endpoint !== null && !isHttpUrl(endpoint)) faults.push('The endpoint must be a URL, or left out for AWS itself.')
  faults.push(...credentialFaults(credentials, ['access_key_id', 'secret_access_key'], ['session_token']))
  return faults
}

/** The objects of an account are seen through its role or, without one, through the connection's own key. */
const account = (connection: Connection): string => {
  const { role_arn: role } = connection.mapping
  const who = typeof role === 'string' && role ? role : (connection.credentials.access_key_id ?? '')
  return ['aws', connection.endpoint ?? '', connection.region ?? '', who].join('|')
}

/** Amazon EC2 and whatever speaks its API. */
export const aws: Adapter = {
  type: 'aws',
  runtimes: ['node', 'workers'],
  maturity: 'simulator',
  reservedAddresses: RESERVED,
  limits: limitsWith({ items: METADATA_ITEMS, key: METADATA_KEY }),
  deviceFor: deviceNamed,
  zonalSubnets: true,
  imageFormats: ['raw/bare'],
  wayOut:
    'The gateway of a VPC translates no addresses: servers that have a floating IP reach out through it, and no others.',
  lacks: {
    'network.external':
      'EC2 gives public addresses of what Amazon has, by the one way out that a VPC has: there is no external network beside it.',
    'security_group.stateless': 'EC2 lets what answers pass whatever a security group says.',
    'port.dhcp_options': 'EC2 has DHCP options of a whole VPC, and none of a single interface.',
    'port.bandwidth': 'EC2 limits what passes an interface by the size of its server, and by nothing else.',
    'server.pause': 'EC2 stops and starts servers but does not pause them.',
    'server.suspend': 'EC2 hibernates only servers that were started for it, so suspending is not offered.',
    'server.reseed':
      'EC2 gives a machine its key once, when it is made, and its user data only while it is off: a rebuild keeps both.',
    'server.rescue': 'EC2 has no rescue mode; attach the volume to another server instead.',
    'server.diagnostics': 'EC2 counts what a machine uses by CloudWatch, which is another service and is not asked.',
    'server.change_password': 'EC2 reaches into no guest; log in with the key.',
    'server.remote_console': 'EC2 gives no console over the network but its own serial console by SSH.',
    'server.fork':
      'EC2 starts servers from disks only, never from the memory of another: forks are booted from an image.',
    'server_group.affinity':
      'EC2 puts no two servers on one host on request: a cluster placement group is near, and not one host.',
    'volume.clone': 'EC2 copies volumes by way of a snapshot only.',
  },
  unverified: {
    'server.boot_from_volume':
      'The exchange of a root disk was only simulated; EC2 itself has not started a server from a volume for us yet.',
    server_group:
      'Placement groups were judged on the wire alone, by the API reference: no simulator has them, and nothing was asked of AWS yet.',
  },
  validate,
  asks: {
    options: readOptions({}).asked,
    credentials: [
      { name: 'access_key_id', required: true },
      { name: 'secret_access_key', required: true },
      { name: 'session_token', required: false },
    ],
  },
  account,
  connect(connection, surroundings) {
    const { options, faults } = readOptions(connection.options)
    assertConfigured(faults)
    const mapping = usable(readMapping(connection.mapping), 'The project has no usable account on this cloud.')
    const { ec2, ebs, sts, priceList } = connectEc2(connection, options, mapping, surroundings)
    const context: Context = { ec2, ebs, priceList, connection, options, mapping, surroundings }
    return {
      check: (only) => check(context, sts, only),
      zones: () => zones(context),
      offers: () => offers(context),
      prices: (sold) => prices(context, sold),
      partPrices: () => partPrices(context),
      volumeTypes: async () => volumeTypes(),
      heldRanges: () => heldRanges(context),
      server: server(context),
      server_group: placementGroup(context),
      image: image(context),
      network: network(context),
      subnet: subnet(context),
      router: router(context),
      security_group: securityGroup(context),
      port: port(context),
      keypair: keypair(context),
      floating_ip: floatingIp(context),
      volume: volume(context),
      snapshot: snapshot(context),
      attachment: attachment(context),
      interface: networkInterface(context),
    }
  },
}
