import type { Adapter, Connection } from '../contract.ts'
import { CloudError } from '../errors.ts'
import { attachment } from './attachment.ts'
import { check } from './check.ts'
import { connectVim, vcenterKey } from './client.ts'
import type { Context } from './context.ts'
import { image } from './image.ts'
import { networkInterface } from './interface.ts'
import { network } from './network.ts'
import { offers } from './offers.ts'
import { isHttpUrl, readMapping, readOptions } from './options.ts'
import { port } from './port.ts'
import { server } from './server.ts'
import { snapshot } from './snapshot.ts'
import { RESERVED, subnet } from './subnet.ts'
import { volume } from './volume.ts'
import { zones } from './zones.ts'

const CREDENTIALS = ['username', 'password']

const validate: Adapter['validate'] = ({ endpoint, options, credentials }) => {
  const faults = readOptions(options).faults
  if (endpoint === null || !isHttpUrl(endpoint))
    faults.push('A cloud of type vsphere needs the URL of its vCenter as endpoint.')
  for (const name of CREDENTIALS) if (!credentials[name]) faults.push(`The credentials need ${name}.`)
  faults.push(
    ...Object.keys(credentials)
      .filter((name) => !CREDENTIALS.includes(name))
      .map((name) => `The credentials have no field ${name}.`),
  )
  return faults
}

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
  imageFormats: [],
  lacks: {
    router: 'VMware vSphere routes nothing without NSX; the gateway of a network is a router outside of it.',
    security_group: 'VMware vSphere filters no traffic without NSX, so ports have to be made without security groups.',
    floating_ip:
      'VMware vSphere translates no addresses without NSX; give the server a port on a network that is public.',
    keypair: 'VMware vSphere keeps no keys; the public key is handed to the server through cloud-init.',
    'server.rebuild':
      'VMware vSphere cannot exchange the disk of a server in one call; make a new server of the image instead.',
    'server.pause': 'VMware vSphere suspends servers to disk but does not pause them in memory.',
    'server.console_log': 'VMware vSphere keeps what a server shows on its screen as a picture only.',
    'server.rescue': 'VMware vSphere has no rescue mode; attach the volume to another server instead.',
    'server.shelve': 'VMware vSphere keeps no shelved servers; a stopped one costs only its disks.',
    'server.remote_console': 'The console of vSphere is a connection to the host itself, which is not handed out.',
    'server.boot_from_volume': 'VMware vSphere boots from templates; a volume is attached beside the root disk.',
    'server.config_drive': 'VMware vSphere has no config drive; servers read what VMware Tools hands them.',
    'server.fork': 'Instant clones of vSphere are not made yet.',
    'volume.clone': 'Volumes are copied by way of a snapshot only.',
    'image.upload': 'VMware vSphere takes images through its content library or the import of its client.',
  },
  validate,
  account,
  connect(connection, surroundings) {
    const { options, faults } = readOptions(connection.options)
    const mapping = readMapping(connection.mapping)
    if (faults.length > 0)
      throw new CloudError('definitive', 'The cloud is not configured properly.', { operatorMessage: faults.join(' ') })
    if ('fault' in mapping)
      throw new CloudError('denied', 'The project has no usable place on this cloud.', {
        operatorMessage: mapping.fault,
      })
    const vim = connectVim(connection, surroundings)
    const context: Context = {
      vim,
      connection,
      options,
      mapping,
      surroundings,
      shelf: `vsphere/${vcenterKey(connection)}`,
    }
    return {
      check: () => check(context),
      zones: () => zones(context),
      offers: () => offers(context),
      server: server(context),
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
