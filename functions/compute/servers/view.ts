import { table } from '../../../adapters/table.ts'
import type { ServerView } from '../../../db/queries/compute/server-view.ts'
import type { Fault, FixedIp, FlavorSnapshot } from '../../../db/schema/index.ts'
import { withoutFiles } from '../../broker/compute/personality.ts'
import { isFreeZone } from '../../broker/compute/place/rules.ts'
import { userDataPlace } from '../../broker/line/sealed-places.ts'
import { openAtRest } from '../../crypto/at-rest.ts'
import type { Input } from '../../http/operation.ts'
import { isoTime, links, nakedTime } from '../links.ts'

/** Who looks, and in which version. */
export interface Viewer {
  base: string
  origin: string
  version: number
  isAdmin: boolean
  /** User data is sealed in the row; what does not open is not shown. */
  userDataOf(row: Pick<ServerView, 'id' | 'userData'>): string | null
}
/** What a view needs to know of the request. */
export const viewerOf = ({ base, origin, version, context }: Input): Viewer => ({
  base,
  origin,
  version,
  isAdmin: context.caller?.isAdmin ?? false,
  userDataOf: ({ id, userData }) => {
    const plain = userData ? openAtRest(context, userDataPlace(id), userData) : null
    return plain === null ? null : withoutFiles(plain)
  },
})

/** Before 2.75 the answers to a change and to a rebuild show less than a show does. */
export interface Extent {
  /** Everything that `GET /servers/{id}` shows. */
  full: boolean
  keyName: boolean
  /** From 2.71, but for lists. */
  serverGroups: boolean
}
const SHOW: Extent = { full: true, keyName: true, serverGroups: true }
const LISTED: Extent = { ...SHOW, serverGroups: false }
const changedIn = (version: number, keyName: boolean): Extent => ({ full: version >= 75, keyName, serverGroups: true })

type Body = Record<string, unknown>
// biome-ignore format: one line a thing
type PortShown = [
  network: string, mac: string, fixed: FixedIp[], floating: string[], groups: string[],
  position: number | null, createdAt: number,
]

const parsed = <T>(text: string, empty: string, nothing: T): T => (text === empty ? nothing : (JSON.parse(text) as T))

/** Most servers of a list share a few flavors. */
const flavors = new Map<string, FlavorSnapshot>()
const flavorOf = (text: string): FlavorSnapshot => {
  let flavor = flavors.get(text)
  if (!flavor) {
    flavor = JSON.parse(text) as FlavorSnapshot
    if (flavors.size >= 500) flavors.clear()
    flavors.set(text, flavor)
  }
  return flavor
}

/** As the guest sees them: those that it was made with in their order, and what was plugged in later by its time. */
const portsOf = (row: Pick<ServerView, 'ports'>): PortShown[] => {
  const ports = parsed<PortShown[]>(row.ports, '[]', [])
  return ports.length > 1 ? ports.sort((a, b) => (a[5] ?? -1) - (b[5] ?? -1) || a[6] - b[6]) : ports
}

/** By network name; fixed addresses before floating ones. Nova shows none while a server is being built. */
export const addressesOf = (
  row: Pick<ServerView, 'vmState' | 'ports'>,
  extended: boolean,
  ports = portsOf(row),
): Record<string, Body[]> => {
  const addresses: Record<string, Body[]> = table()
  if (row.vmState === 'building') return addresses
  const add = (network: string, mac: string, addr: string, type: 'fixed' | 'floating') => {
    const address: Body = { version: addr.includes(':') ? 6 : 4, addr }
    if (extended) {
      address['OS-EXT-IPS:type'] = type
      address['OS-EXT-IPS-MAC:mac_addr'] = mac
    }
    addresses[network] ??= []
    addresses[network].push(address)
  }
  for (const [network, mac, fixed] of ports) for (const { ip_address } of fixed) add(network, mac, ip_address, 'fixed')
  for (const [network, mac, , floating] of ports) for (const address of floating) add(network, mac, address, 'floating')
  return addresses
}

const PROGRESS = new Set(['ACTIVE', 'BUILD', 'REBUILD', 'RESIZE', 'VERIFY_RESIZE', 'MIGRATING'])

const bookmark = ({ origin }: Viewer, collection: string, id: string) => [
  { rel: 'bookmark', href: `${origin}/compute/${collection}/${id}` },
]

const flavorView = (row: ServerView, viewer: Viewer): Body => {
  const flavor = flavorOf(row.flavor)
  if (viewer.version < 47) return { id: flavor.id, links: bookmark(viewer, 'flavors', flavor.id) }
  return {
    vcpus: flavor.vcpus,
    ram: flavor.ramMib,
    disk: flavor.diskGib,
    ephemeral: flavor.ephemeralGib,
    swap: flavor.swapMib,
    original_name: flavor.name,
    extra_specs: flavor.extraSpecs,
  }
}

/** What every answer about a server has in 2.1. */
const common = (row: ServerView, viewer: Viewer, { full }: Extent, ports: PortShown[]): Body => {
  const body: Body = {
    id: row.id,
    name: row.name,
    status: row.status,
    tenant_id: row.projectId,
    user_id: row.userId,
    metadata: parsed(row.metadata, '{}', {}),
    hostId: row.hostId,
    image: row.imageId === null ? '' : { id: row.imageId, links: bookmark(viewer, 'images', row.imageId) },
    flavor: flavorView(row, viewer),
    created: isoTime(row.createdAt),
    updated: isoTime(row.updatedAt),
    addresses: addressesOf(row, full, ports),
    accessIPv4: row.accessIpv4,
    accessIPv6: row.accessIpv6,
    links: links(viewer, 'servers', row.id),
    'OS-DCF:diskConfig': row.diskConfig,
  }
  if (PROGRESS.has(row.status)) body.progress = row.progress
  if (row.fault && (row.status === 'ERROR' || row.status === 'DELETED')) {
    const { code, message, created } = JSON.parse(row.fault) as Fault
    body.fault = { code, created: isoTime(created), message }
  }
  return body
}

/** What once were extensions (2.1), with what 2.3 shows of volumes. */
const extend = (body: Body, row: ServerView, { version }: Viewer, ports: PortShown[]): void => {
  const groups = new Set(ports.flatMap(([, , , , names]) => names))
  const volumes = parsed<{ id: string; delete_on_termination: boolean }[]>(row.volumes, '[]', [])
  const zone = row.cloud === null ? '' : `${row.cloud}.${row.zone}`
  body['OS-EXT-AZ:availability_zone'] = zone
  const free = row.pinnedZone !== null && isFreeZone(row.pinnedZone, row.cloud) ? row.pinnedZone : null
  const shown = row.zoneMade ?? free
  if (shown !== null) body['OS-EXT-AZ:availability_zone'] = shown
  // In a zone of an operator's it is an ordinary server to Nova's schemas; administrators see the host.
  if (row.zoneMade === null && free !== null) body['plimsoll:zone'] = zone
  // What filters as its rules say is an ordinary server, of which Nova's own schemas allow no more to be said.
  if (row.filters === 'trusted' || row.filters === 'none') body['plimsoll:filters'] = row.filters
  body.config_drive = row.configDrive ? 'True' : ''
  body['OS-SRV-USG:launched_at'] = row.launchedAt === null ? null : nakedTime(row.launchedAt)
  body['OS-SRV-USG:terminated_at'] = row.terminatedAt === null ? null : nakedTime(row.terminatedAt)
  if (groups.size) body.security_groups = [...groups].map((name) => ({ name }))
  body['OS-EXT-STS:task_state'] = row.taskState
  body['OS-EXT-STS:vm_state'] = row.vmState
  body['OS-EXT-STS:power_state'] = row.powerState
  body['os-extended-volumes:volumes_attached'] = version >= 3 ? volumes : volumes.map(({ id }) => ({ id }))
}

/** For admins: where it is. The name of the machine itself is the cloud's affair. */
const attribute = (body: Body, row: ServerView, { version, userDataOf }: Viewer): void => {
  body['OS-EXT-SRV-ATTR:host'] = row.cloud
  body['OS-EXT-SRV-ATTR:hypervisor_hostname'] = row.cloud === null ? null : `${row.cloud}.${row.zone}`
  body['OS-EXT-SRV-ATTR:instance_name'] = `instance-${row.id.slice(0, 8)}`
  if (version < 3) return
  body['OS-EXT-SRV-ATTR:hostname'] = row.hostname
  body['OS-EXT-SRV-ATTR:kernel_id'] = ''
  body['OS-EXT-SRV-ATTR:ramdisk_id'] = ''
  body['OS-EXT-SRV-ATTR:launch_index'] = row.launchIndex
  body['OS-EXT-SRV-ATTR:reservation_id'] = row.reservationId ?? null
  body['OS-EXT-SRV-ATTR:root_device_name'] = '/dev/vda'
  body['OS-EXT-SRV-ATTR:user_data'] = userDataOf(row)
}

type Change = (body: Body, row: ServerView, viewer: Viewer, extent: Extent) => void
/** What each microversion added, in order (nova/api/openstack/compute/rest_api_version_history.rst). */
const CHANGES: [since: number, change: Change][] = [
  [
    9,
    (body, row) => {
      body.locked = row.locked === 1
    },
  ],
  [
    16,
    (body, row, { isAdmin }, { full }) => {
      if (isAdmin && full) body.host_status = row.hostStatus ?? ''
    },
  ],
  [
    19,
    (body, row) => {
      body.description = row.description
    },
  ],
  [
    26,
    (body, row) => {
      body.tags = parsed(row.tags, '[]', [])
    },
  ],
  [
    63,
    (body) => {
      body.trusted_image_certificates = null
    },
  ],
  [
    71,
    (body, row, _viewer, { serverGroups }) => {
      if (serverGroups) body.server_groups = parsed(row.groups ?? '[]', '[]', [])
    },
  ],
  [
    73,
    (body, row) => {
      body.locked_reason = row.lockedReason
    },
  ],
  [
    90,
    (body, row) => {
      body['OS-EXT-SRV-ATTR:hostname'] = row.hostname
    },
  ],
  [
    96,
    (body, row, _viewer, { full }) => {
      if (full) body.pinned_availability_zone = row.pinnedZone
    },
  ],
]

const render = (row: ServerView, viewer: Viewer, extent: Extent): Body => {
  const ports = portsOf(row)
  const body = common(row, viewer, extent, ports)
  if (extent.keyName) body.key_name = row.keyName
  if (extent.full) {
    extend(body, row, viewer, ports)
    if (viewer.isAdmin) attribute(body, row, viewer)
  }
  for (const [since, change] of CHANGES) if (viewer.version >= since) change(body, row, viewer, extent)
  return body
}

/** https://docs.openstack.org/api-ref/compute/#show-server-details */
export const serverView = (row: ServerView, viewer: Viewer): Body => render(row, viewer, SHOW)
/** https://docs.openstack.org/api-ref/compute/#list-servers-detailed */
export const listedView = (row: ServerView, viewer: Viewer): Body => render(row, viewer, LISTED)
/** https://docs.openstack.org/api-ref/compute/#update-server */
export const updatedView = (row: ServerView, viewer: Viewer): Body =>
  render(row, viewer, changedIn(viewer.version, viewer.version >= 75))
/** https://docs.openstack.org/api-ref/compute/#rebuild-server-rebuild-action: it has user data as `user_data` alone. */
export const rebuiltView = (row: ServerView, viewer: Viewer): Body => {
  const { 'OS-EXT-SRV-ATTR:user_data': _, ...shown } = render(
    row,
    viewer,
    changedIn(viewer.version, viewer.version >= 54),
  )
  return shown
}
