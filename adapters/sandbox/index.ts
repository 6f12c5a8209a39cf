import { type Adapter, ANY_SUBNET, type Cloud, type Connection, type Surroundings } from '../contract.ts'
import { check } from './check.ts'
import { HOSTS_PER_ZONE } from './compute/hosts.ts'
import { IMAGE_FORMATS, images } from './compute/image.ts'
import { interfaces } from './compute/interface.ts'
import { keypairs } from './compute/keypair.ts'
import { servers } from './compute/server.ts'
import { serverGroups } from './compute/server-group.ts'
import { accountOf, Engine } from './engine.ts'
import { floatingIps } from './network/floating-ip.ts'
import { networks } from './network/network.ts'
import { ports, RESERVED } from './network/port.ts'
import { heldRanges } from './network/ranges.ts'
import { routers } from './network/router.ts'
import { securityGroups } from './network/security-group.ts'
import { subnets } from './network/subnet.ts'
import { offers, partPrices, prices } from './offers.ts'
import { askedOptions, optionFaults } from './options.ts'
import { attachments, DEVICES } from './storage/attachment.ts'
import { snapshots } from './storage/snapshot.ts'
import { volumes, volumeTypes } from './storage/volume.ts'
import { zones } from './zones.ts'

const connect = (connection: Connection, surroundings: Surroundings): Cloud => {
  const engine = new Engine(connection, surroundings)
  return {
    check: () => check(engine),
    zones: () => zones(engine),
    offers: () => offers(engine),
    prices: () => prices(engine),
    partPrices: () => partPrices(engine),
    volumeTypes: () => volumeTypes(engine),
    heldRanges: () => heldRanges(engine),
    server: servers(engine),
    server_group: serverGroups(engine),
    image: images(engine),
    network: networks(engine),
    subnet: subnets(engine),
    router: routers(engine),
    security_group: securityGroups(engine),
    port: ports(engine),
    keypair: keypairs(engine),
    floating_ip: floatingIps(engine),
    volume: volumes(engine),
    snapshot: snapshots(engine),
    attachment: attachments(engine),
    interface: interfaces(engine),
  }
}

/**
 * The embedded cloud: every kind of the contract with finite room, states that take time, and faults on demand. Its
 * whole state is in `surroundings.store`, its clock is `surroundings.now`, so a run can be repeated exactly.
 */
export const sandbox: Adapter = {
  type: 'sandbox',
  runtimes: ['node', 'workers'],
  maturity: 'simulator',
  reservedAddresses: RESERVED,
  limits: {
    // Nobody answers for a block at its ends: a whole one may be an address.
    subnet: { ...ANY_SUBNET, prefixes: { 4: { widest: 1, narrowest: 32 }, 6: { widest: 1, narrowest: 128 } } },
    port: { unfiltered: true },
    server: { ports: 0, mostPorts: 32, apart: HOSTS_PER_ZONE },
  },
  deviceFor: (wish, taken) => wish ?? DEVICES.find((device) => !taken.includes(device)) ?? null,
  zonalSubnets: true,
  imageFormats: IMAGE_FORMATS,
  lacks: {
    'server.diagnostics': 'The embedded cloud runs no guests, so there is nothing to count.',
    'server.change_password': 'The embedded cloud runs no guests, so nobody could log in.',
    'server.fork':
      'The embedded cloud keeps no memory of its servers that another could go on from: forks are booted from an image.',
  },
  validate: ({ options }) => optionFaults(options),
  asks: { options: askedOptions, credentials: [] },
  account: (connection) => `sandbox:${connection.cloudId}:${accountOf(connection)}`,
  connect,
}
