import { table } from '../../adapters/table.ts'
import { unauthorized } from '../auth/policy.ts'
import { type VolumeRefusal, VolumeRefused } from '../broker/block-storage/volume-refusal.ts'
import { MARK_GUARDS } from '../broker/compute/place/marks.ts'
import { quotaWords, type ServerRefusal, ServerRefused } from '../broker/compute/server-refusal.ts'
import { ImageRefused } from '../broker/image/image.ts'
import { type Refusal, Refused } from '../broker/line/refused.ts'
import { MONEY_GUARDS } from '../broker/money/allowance.ts'
import { type NetworkRefusal, NetworkRefused } from '../broker/network/network-refusal.ts'
import { GROWTH_GUARDS } from '../broker/network/pools/growth.ts'
import { badRequest, conflict, Fault, forbidden, notFound } from '../http/fault.ts'
import { moneyFault } from '../http/money-fault.ts'
import type { Operation } from '../http/operation.ts'
import type { Service } from '../http/service.ts'

/** Nova's sentences (nova/exception.py). Something named in a body is 400, but where the API says 404. */
export const noServer = (id: string): Fault => notFound(`Instance ${id} could not be found.`)

/** What is not found is named in the body of most operations, and in the path of some. */
type Missing = (message: string) => Fault

const unknownWords: Record<(ServerRefusal & { kind: 'unknown' })['what'], (id: string) => string> = {
  flavor: (id) => `Flavor ${id} could not be found.`,
  image: () => 'Can not find requested image',
  network: (id) => `Network ${id} could not be found.`,
  port: (id) => `Port id ${id} could not be found.`,
  keypair: () => 'Invalid key_name provided.',
  'security-group': (id) => `Security group ${id} not found.`,
  'server-group': (id) => `Instance group ${id} could not be found.`,
  zone: () => 'The requested availability zone is not available',
  volume: (id) => `Volume ${id} could not be found.`,
  server: (id) => `Instance ${id} could not be found.`,
}

const onlyOneWords = {
  port: (id: string) =>
    `Failed to launch multiple instances with port id ${id}. Port ID may only be used with a single instance.`,
  'fixed-ip': () => 'Failed to launch instances: Invalid fixed_ip request: it can be used with a single instance only.',
  hostname: () => 'Unable to allocate a single hostname to multiple instances',
  volume: () => 'A volume can be attached to a single instance only.',
}

const GIB = 2 ** 30

const diskFault = (refusal: ServerRefusal & { kind: 'disk' }): Fault => {
  switch (refusal.why) {
    case 'volume':
    case 'snapshot':
    case 'image':
      return badRequest(`Block Device Mapping is Invalid: failed to get ${refusal.why} ${refusal.id}.`)
    case 'not-bootable':
      return badRequest(`Block Device ${refusal.id} is not bootable.`)
    case 'type':
      return badRequest(`Volume type ${refusal.id} could not be found.`)
    case 'image-size':
      return badRequest("Images with destination_type 'volume' need to have a non-zero size specified")
    case 'blank-size':
      return badRequest("Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size")
    case 'small':
      return badRequest(
        refusal.of === 'image'
          ? `Volume is smaller than the minimum size specified in image metadata. Volume size is ${refusal.has * GIB} bytes, minimum size is ${refusal.needs * GIB} bytes.`
          : `Invalid input received: Volume size '${refusal.has}'GB cannot be smaller than the snapshot size ${refusal.needs}GB. They must be >= original snapshot size.`,
      )
  }
}

const fileWords = {
  injected_files: () => 'Personality file limit exceeded',
  injected_file_path_bytes: (maximum: number) => `Personality file path exceeds maximum ${maximum}`,
  injected_file_content_bytes: (maximum: number) => `Personality file content exceeds maximum ${maximum}`,
}

const serverFault = (refusal: ServerRefusal, missing: Missing): Fault => {
  switch (refusal.kind) {
    case 'unknown':
      return missing(unknownWords[refusal.what](refusal.id))
    case 'image-status':
      return badRequest(`Image ${refusal.id} is not active.`)
    case 'too-small':
      return badRequest(
        refusal.what === 'memory'
          ? "Flavor's memory is too small for requested image."
          : refusal.what === 'image'
            ? `Flavor's disk is too small for requested image. Flavor disk is ${refusal.has * 2 ** 30} bytes, image is ${refusal.needs * 2 ** 30} bytes.`
            : `Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ${refusal.has * 2 ** 30} bytes, minimum size is ${refusal.needs * 2 ** 30} bytes.`,
      )
    case 'disks':
      return badRequest(
        `Block Device Mapping is Invalid: ${refusal.asked} disks are asked for, and a server is made with ${refusal.maximum} at most.`,
      )
    case 'port-in-use':
      return conflict(`Port ${refusal.id} is still in use.`)
    case 'no-subnet':
      return badRequest(`Network ${refusal.networkId} requires a subnet in order to boot instances on.`)
    case 'port-without-address':
      return badRequest(`Port ${refusal.id} requires a FixedIP in order to be used.`)
    case 'external-network':
      return forbidden(`It is not allowed to create an interface on external network ${refusal.id}`)
    case 'many-networks':
      return conflict('Multiple possible networks found, use a Network ID to be more specific.')
    case 'no-network':
      return badRequest(`Unable to automatically allocate a network for project ${refusal.projectId}`)
    case 'many-groups':
      return conflict(
        `Multiple security_groups matches found for name '${refusal.name}', use an ID to be more specific.`,
      )
    case 'volume-status':
      return badRequest(`Invalid volume: Volume ${refusal.id} is in status ${refusal.status}, it must be available.`)
    case 'disk':
      return diskFault(refusal)
    case 'only-one':
      return badRequest(onlyOneWords[refusal.what](refusal.id ?? ''))
    case 'volume-backed':
      return badRequest(
        `Image ${refusal.imageId} is unacceptable: Unable to rebuild with a different image for a volume-backed server.`,
      )
    case 'unlike-parent':
      return badRequest(refusal.reason)
    case 'forked':
      return conflict(
        `Instance ${refusal.id} has forks, which have to be deleted before it: ${refusal.forks.join(', ')}`,
      )
    case 'same-flavor':
      return badRequest('When resizing, instances must change flavor!')
    case 'no-place':
      return badRequest(`No valid host was found. ${refusal.reason}`)
    case 'incapable':
      return conflict(refusal.reason)
    case 'locked':
      return conflict(`Instance ${refusal.id} is locked`)
    case 'cost':
    case 'unlisted':
      return moneyFault(refusal)
    case 'hint':
      return forbidden(`Scheduler hint ${refusal.hint} is not taken: the policy of the project says so.`)
    case 'spilled':
      return conflict(`Instance ${refusal.id} is elsewhere than at home. ${refusal.reason}`)
    case 'spot':
      return conflict(
        `Cannot '${refusal.action}' instance ${refusal.id}: it was bought as spot, and such a machine runs until it is deleted or taken back.`,
      )
    case 'lease-ended':
      return conflict(
        `The lease of instance ${refusal.id} ended at ${refusal.at}. A longer plimsoll:lease in its metadata extends it.`,
      )
    case 'state':
      return conflict(
        refusal.attribute === 'launched_at'
          ? `Instance ${refusal.id} is in an invalid state for '${refusal.action}'`
          : `Cannot '${refusal.action}' instance ${refusal.id} while it is in ${refusal.attribute} ${refusal.state}`,
      )
    case 'not-resized':
      return badRequest('Instance has not been resized.')
    case 'not-rescuable':
      return badRequest(`Instance ${refusal.id} cannot be rescued: ${refusal.reason}`)
    case 'rescue-image':
      return badRequest(`Requested rescue image '${refusal.id}' is not supported`)
    case 'no-host':
      return badRequest(`Compute host ${refusal.host} could not be found.`)
    case 'no-console':
      return conflict(`Instance ${refusal.id} is not ready`)
    case 'no-output':
      return notFound(`Guest does not have a console available. ${refusal.reason}`)
    case 'console-type':
      return badRequest(
        refusal.why === 'invalid'
          ? `Invalid console type ${refusal.type}`
          : `Unavailable console type ${refusal.type}.`,
      )
    case 'no-interface':
      return notFound(`Instance ${refusal.id} does not have a port with id ${refusal.portId}`)
    case 'group-not-held':
      return notFound(`Security group ${refusal.name} not associated with the instance ${refusal.id}`)
    case 'no-group':
      return notFound(`Security group ${refusal.name} not found for project ${refusal.projectId}.`)
    case 'no-port-security':
      return badRequest(
        `Network requires port_security_enabled and subnet associated in order to apply security groups.`,
      )
    case 'no-floating-ip':
      return notFound(`Floating IP ${refusal.address} not found.`)
    case 'leads-elsewhere':
      return conflict(`Floating IP ${refusal.address} is not associated with instance ${refusal.id}.`)
    case 'no-fixed-ip':
      return badRequest('No fixed IPs associated to instance')
    case 'not-its-address':
      return badRequest('Specified fixed address not assigned to instance')
    case 'not-on-network':
      return notFound(`Network could not be found for instance ${refusal.id}.`)
    case 'files':
      return forbidden(fileWords[refusal.resource](refusal.maximum))
    case 'quota':
      return forbidden(quotaWords(refusal))
  }
}

const volumeFault = (refusal: VolumeRefusal): Fault => {
  switch (refusal.kind) {
    case 'status':
      return badRequest(
        `Invalid volume: volume status must be ${refusal.allowed.join(' or ')}, but is ${refusal.status}.`,
      )
    case 'elsewhere':
      return badRequest(`Invalid volume: it is in ${refusal.here}, the server is in ${refusal.there}.`)
    case 'readonly':
      return badRequest('Invalid volume: it is read-only, and no cloud attaches a disk so.')
    case 'incapable':
      return conflict(refusal.reason)
    case 'cost':
    case 'unlisted':
      return moneyFault(refusal)
    case 'unknown':
      return notFound(`${refusal.what} ${refusal.id} could not be found.`)
    case 'no-zone':
      return badRequest(`Availability zone '${refusal.zone}' is invalid.`)
    case 'no-cloud':
      return badRequest('No cloud that this project is mapped to has volumes.')
    case 'no-type':
      return badRequest(`Invalid volume type: no zone that will do offers ${refusal.type}.`)
    case 'too-small':
      return badRequest(
        `Volume size '${refusal.size}'GB cannot be smaller than the ${refusal.what} size ${refusal.least}GB.`,
      )
    case 'auth-key':
    case 'no-parent':
    case 'not-latest':
      return badRequest('Invalid volume: it is not asked for by a server.')
    case 'has-snapshots':
      return badRequest('Invalid volume: it has snapshots.')
    case 'attached':
      return badRequest('Invalid volume: it is in a server.')
  }
}

const NETWORK_STATUS = {
  missing: 404,
  invalid: 400,
  conflict: 409,
  forbidden: 403,
  unavailable: 503,
  failed: 409,
  cost: 403,
  unlisted: 409,
} as const

const networkFault = ({ kind, type, reason }: NetworkRefusal, missing: Missing): Fault => {
  if (kind === 'missing') return missing(reason)
  // A name for something that is in use is wrong at creation, and in the way later.
  if (type === 'IpAddressAlreadyAllocated')
    return missing(reason).status === 404 ? conflict(reason) : badRequest(reason)
  if (type === 'IpAddressGenerationFailure' || type === 'SecurityGroupRuleExists') return badRequest(reason)
  return new Fault(NETWORK_STATUS[kind], reason)
}

const busyNetwork = () => conflict('Others change the networks of the server at the same time. Try again.')
const busyCloud = () => conflict('Others take what is left on the clouds of the project at the same time. Try again.')
const busyMoney = () => conflict('Others spend what is left to the project at the same time. Try again.')

const guardWords: Record<string, () => Fault> = table({
  'network-elsewhere': () => conflict('The network lives on another cloud than the one that the server goes to.'),
  'network-zone': () => conflict('The subnets of the network are in another zone than the server.'),
  'network-gone': () => badRequest('Network could not be found.'),
  'subnet-gone': () => badRequest('Subnet could not be found.'),
  'security-group-gone': () => badRequest('Security group not found.'),
  'port-in-use': () => conflict('Port is still in use.'),
  'port-moved': () => conflict('Port is still in use.'),
  ...Object.fromEntries([...GROWTH_GUARDS, 'reach-moved'].map((what) => [what, busyNetwork])),
  ...Object.fromEntries(MARK_GUARDS.map((what) => [what, busyCloud])),
  ...Object.fromEntries(MONEY_GUARDS.map((what) => [what, busyMoney])),
  'image-needed': () => conflict('The image is in use: a volume is to be made of it where it is first used.'),
  'named-gone': () => conflict('Something that the server is to be made of was deleted meanwhile.'),
  'server-group-gone': () => badRequest('Instance group could not be found.'),
  'server-group-moved': () => conflict('The servers of the group are not where they were when it was looked at.'),
  'parent-moved': () => conflict('The server to be forked is not as it was when it was looked at.'),
  'volume-gone': () => notFound('Volume could not be found.'),
  'volume-status': () => badRequest('Invalid volume: it is not available any more.'),
  'volume-zone-closed': () => conflict('The operator of the zone has no new volumes made there any more.'),
  'volume-size': () =>
    forbidden('Requested volume size is larger than the maximum allowed limit of the quota per_volume_gigabytes.'),
  'attachment-status': () => badRequest('Invalid volume: it is being detached already.'),
})

const exceeded: Record<string, string> = table({
  port: 'Maximum number of ports exceeded',
  server_groups: 'Quota exceeded, too many server groups.',
  server_group_members: 'Quota exceeded, too many servers in group',
})

const batchFault = (refusal: Refusal, id: string | undefined): Fault | undefined => {
  if (refusal.kind === 'token') return unauthorized()
  if (refusal.kind === 'quota')
    return forbidden(exceeded[refusal.resource] ?? `Quota exceeded for resources: ${refusal.resource}`)
  if (refusal.kind === 'taken') return conflict('It was taken by somebody else at the same time.')
  if (refusal.what === 'server-gone') return noServer(id ?? '')
  if (refusal.what === 'server-moved') return conflict(`Instance ${id} is in an invalid state for that`)
  // Whichever guard: it held when it was looked at.
  return guardWords[refusal.what]?.() ?? conflict('What it depends on changed at the same time. Try again.')
}

const worded = (error: unknown, missing: Missing, id: string | undefined): Fault | undefined => {
  if (error instanceof ServerRefused) return serverFault(error.refusal, missing)
  if (error instanceof NetworkRefused) return networkFault(error.refusal, missing)
  if (error instanceof VolumeRefused) return volumeFault(error.refusal)
  if (error instanceof ImageRefused) return conflict(`Instance ${id} is in an invalid state for 'createImage'`)
  return error instanceof Refused ? batchFault(error.refusal, id) : undefined
}

/** What the broker will not do, as Nova says it. */
export const refuse: Service['refuse'] = (error, { params }) => worded(error, badRequest, params.id)

/** The same where things that are not there are 404 even if a body names them. */
export const refuseOrMiss: Operation['refuse'] = (error, { params }) => worded(error, notFound, params.id)
