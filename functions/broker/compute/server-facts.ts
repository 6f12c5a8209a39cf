import { createHash } from 'node:crypto'
import type { Json, Power, PurchaseOption } from '../../../adapters/contract.ts'
import type { ServerAction } from '../../../db/queries/compute/server-actions.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import type { FlavorSnapshot } from '../../../db/schema/index.ts'
import { POWER_STATES, type ServerFacts, type ServerStatus, serverStatus } from './lifecycle.ts'

/** Where a server runs or may run: a size of a cloud, in one of its zones. */
export interface Place {
  cloudId: string
  zone: string
  native: string
  vcpus: number
  ramMib: number
  diskGib: number
  option: PurchaseOption
  /** What an hour cost when it was chosen, in micros of the deployment's currency; null: unpriced. */
  hourly: number | null
  /** The same while it is stopped; absent: the same. A cap counts the whole price all the time. */
  idle?: number | null
}

/** `servers.places`: where it is, where it may still go, and the size to which a resize can be reverted. */
export interface Places {
  at: Place | null
  next: Place[]
  before?: Place
  /** What a resize that is under way goes to: it is paid for, and counted, from then on; the flavor as what its user has. */
  to?: Place & { flavor?: FlavorSnapshot }
  /** Sizes that had no room, as `<cloud>/<zone>/<size>`, and `/spot` where they were asked for as that. */
  tried?: string[]
  /** A cloud said that its account has as much as it may: told where no place is left. */
  limited?: true
  /** So often its cloud took it back, and it was made anew. */
  reclaims?: number
  /** The image that was made for it to be forked from; the one that users see is its parent's. */
  image?: string
}

/** A place as a row has it: of older ones it is not said how they are bought. */
type Kept = Omit<Place, 'option' | 'hourly'> & Partial<Pick<Place, 'option' | 'hourly'>>

/** What was written down as a place. */
export const placeOf = (kept: Kept): Place => ({ option: 'on-demand', hourly: null, ...kept })

/** What `servers.places` says; nowhere if it says nothing. */
export const placesOf = (server: Pick<ServerRow, 'places'>): Places => {
  const places = server.places as unknown as Places | null
  if (!places) return { at: null, next: [] }
  const { at, next, before } = places
  return { ...places, at: at && placeOf(at), next: next.map(placeOf), ...(before && { before: placeOf(before) }) }
}
/** The column from it. */
export const placesJson = (places: Places): Json => places as unknown as Json

/** What a resize that comes to nothing leaves: it stays the size that it is. */
export const unresized = (server: Pick<ServerRow, 'places'>): Pick<ServerRow, 'places'> => {
  const { to: _, ...places } = placesOf(server)
  return { places: placesJson(places) }
}

/** What the row shows now. */
export const statusShown = ({ status, vmState, taskState, powerState, progress }: ServerRow): ServerStatus => ({
  status,
  vmState,
  taskState,
  powerState,
  progress,
})

const POWERS: Record<number, Power> = {
  [POWER_STATES.running]: 'running',
  [POWER_STATES.paused]: 'paused',
  [POWER_STATES.shutdown]: 'stopped',
  [POWER_STATES.crashed]: 'stopped',
  [POWER_STATES.suspended]: 'suspended',
}
/** What the cloud last said, as far as the row remembers it. */
export const powerShown = (server: Pick<ServerRow, 'powerState'>): Power => POWERS[server.powerState] ?? 'changing'

/** An admin said that it is broken; faults of the cloud leave a reason and heal. */
export const isCondemned = (server: ServerRow): boolean =>
  server.vmState === 'error' && server.launchedAt !== null && server.fault === null

/** It is off, on its rescue disk. */
export const isRescuedAndOff = (server: Pick<ServerRow, 'vmState' | 'powerState'>): boolean =>
  server.vmState === 'rescued' && powerShown(server) === 'stopped'

/** Its machine is off, and takes no room. */
export const isShelved = ({ vmState }: Pick<ServerRow, 'vmState'>): boolean => vmState === 'shelved_offloaded'

/** The status of a server that is on its cloud, with what is known better than its row knows it. */
export const statusWith = (server: ServerRow, facts: Partial<ServerFacts>): ServerStatus =>
  serverStatus({
    phase: 'bound',
    want: server.taskState === 'deleting' ? 'absent' : 'present',
    health: null,
    power: powerShown(server),
    launched: server.launchedAt !== null,
    action: null,
    resized: server.oldFlavor !== null,
    rescued: server.vmState === 'rescued',
    shelved: isShelved(server),
    condemned: isCondemned(server),
    before: statusShown(server),
    ...facts,
  })

/** What the row shows once there is no machine behind it, and there will be none. */
export const failedStatus = (server: ServerRow, want: ServerFacts['want']): ServerStatus =>
  serverStatus({
    phase: 'failed',
    want,
    health: null,
    power: null,
    launched: server.launchedAt !== null,
    action: null,
    resized: false,
    before: statusShown(server),
  })

/** Unlike the name of the machine it can be shown, and it differs from project to project (nova/utils.py, generate_hostid). */
export const hostIdOf = (host: string | undefined, projectId: string): string =>
  host === undefined ? '' : createHash('sha224').update(`${projectId}${host}`).digest('hex')

/** The flavor that a resize goes to. */
export const flavorInArgs = (action: Pick<ServerAction, 'args'>): FlavorSnapshot =>
  action.args.flavor as unknown as FlavorSnapshot

/** What counts against the quota: while a resize can go both ways, the larger of both. */
export const quotaHeld = (server: ServerRow, open: ServerAction[]): { cores: number; ram: number } => {
  const flavors = [server.flavor, server.oldFlavor, ...open.filter((a) => a.action === 'resize').map(flavorInArgs)]
  const known = flavors.filter((flavor) => flavor !== null)
  return {
    cores: Math.max(...known.map(({ vcpus }) => vcpus)),
    ram: Math.max(...known.map(({ ramMib }) => ramMib)),
  }
}

/** Nova's rule for what a guest calls itself (nova/utils.py, sanitize_hostname). */
export const hostnameOf = (name: string, id: string): string =>
  name
    .toLowerCase()
    .replace(/[ _.]/g, '-')
    .replace(/[^a-z0-9-]+/g, '')
    .slice(0, 63)
    .replace(/^-+|(?<!-)-+$/g, '') || `server-${id}`
