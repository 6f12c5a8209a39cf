import type { Adapter, Blobs, CheckReport, Cloud, Connection, Json } from '../../../adapters/contract.ts'
import { asCloudError, CloudError } from '../../../adapters/errors.ts'
import { adapterFor } from '../../../adapters/registry.ts'
import {
  type CloudRow,
  cloudById,
  cloudWithMapping,
  countFailure,
  countSuccess,
  type MappedCloud,
} from '../../../db/queries/clouds/clouds.ts'
import type { Host } from '../../context.ts'
import { connectionTo } from './connection.ts'
import { guardedFetch } from './endpoint.ts'
import { guardedDial } from './guarded-dial.ts'
import { NotConnected, NotMapped } from './not-connected.ts'
import { isReadOnly, lookOnly } from './read-only.ts'
import { toldCalls, tracedFetch } from './told-calls.ts'

export interface Connected {
  cloud: Cloud
  adapter: Adapter
  connection: Connection
}

const NO_BLOBS: Blobs = {
  read: async () => {
    throw new CloudError('definitive', 'There is no place for image data here.')
  },
}

/** Uploaded data, and what was made of it. */
const blobsOf = ({ blobs, conversion }: Pick<Host, 'blobs' | 'conversion'>): Blobs => {
  const kept = blobs ?? NO_BLOBS
  if ('lacking' in conversion) return kept
  const of = (key: string): Blobs => (conversion.has(key) ? conversion : kept)
  return {
    read: (key, range) => of(key).read(key, range),
    extents: async (key) => (await of(key).extents?.(key)) ?? null,
  }
}

/** A call that has not answered within this many milliseconds is ambiguous. */
const TIMEOUT = 20_000
const REMEMBERED = 200

/**
 * The cloud as one project sees it. `projectId` null is the operator's own view, for inventory and checks alone.
 * Throws `NotConnected`: `NotMapped` without a mapping, `throttled` while the breaker is open, `denied` if the
 * credentials do not open.
 */
export const connectCloud = async (
  host: Host,
  cloud: CloudRow | string,
  projectId: string | null,
  options: { throughBreaker?: boolean } = {},
): Promise<Connected> =>
  connectMapped(host, await lookUp(host, typeof cloud === 'string' ? cloud : cloud.id, projectId), options)

/** The same of a cloud that was just read as it is mapped. */
export const connectMapped = async (
  host: Host,
  { cloud: row, mapping }: MappedCloud,
  options: { throughBreaker?: boolean } = {},
): Promise<Connected> => {
  if (!row.enabled) throw new NotConnected('throttled', `Cloud ${row.name} is disabled.`, { retryAfterMs: 60_000 })
  const openFor = row.breakerOpenUntil - host.now()
  if (openFor > 0 && !options.throughBreaker)
    throw new NotConnected('throttled', `Cloud ${row.name} does not answer at the moment.`, { retryAfterMs: openFor })
  const { id, credentialsVersion, type, endpoint, region } = row
  const key = JSON.stringify([id, credentialsVersion, type, endpoint, region, row.options, mapping])
  const known = connections(host)
  const kept = known.get(key)
  if (kept) return kept
  const connected = await connect(host, row, mapping)
  known.set(key, connected)
  const oldest = known.keys().next().value
  if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest)
  return connected
}

const lookUp = async (host: Host, cloudId: string, projectId: string | null): Promise<MappedCloud> => {
  const found =
    projectId === null
      ? { cloud: await cloudById(host.db, cloudId), mapping: {} }
      : await cloudWithMapping(host.db, cloudId, projectId)
  if (!found?.cloud) throw new NotMapped(cloudId)
  if (!found.mapping) throw new NotMapped(found.cloud.name)
  return { cloud: found.cloud, mapping: found.mapping }
}

const connect = async (host: Host, row: CloudRow, mapping: Record<string, Json>): Promise<Connected> => {
  const adapter = await adapterFor(row.type)
  const { runtime } = host.settings
  if (!adapter?.runtimes.includes(runtime))
    throw new NotConnected('denied', `Cloud ${row.name} cannot be reached from here.`, {
      operatorMessage: adapter ? `Type ${row.type} does not run on ${runtime}.` : `There is no cloud type ${row.type}.`,
    })
  const connection = connectionTo(host, row, mapping)
  const dial = guardedDial(host, row)
  const bare = adapter.connect(connection, {
    fetch: tracedFetch(host, guardedFetch(host, row)),
    ...(dial && { dial }),
    blobs: blobsOf(host),
    now: host.now,
    sleep: host.sleep,
    store: host.cloudState,
    cache: new Map(),
    log: (level, message, fields) => host.log(level, message, { cloud: row.name, ...fields }),
    timeoutMs: TIMEOUT,
    runtime,
  })
  const { id, name, type } = row
  const told = host.instruments?.call
  const connected = told ? toldCalls(bare, { id, name, type }, told) : bare
  // What is refused here asks nobody, and is told of to nobody.
  const cloud = isReadOnly(row) ? lookOnly(connected, row.name) : connected
  return { cloud, adapter, connection }
}

/** By so much a clock is corrected every now and then, in milliseconds. */
const BACKWARDS = 1_000

/**
 * Connections of this process. A host of another test has another store, and so never finds them. A clock that is set back
 * would keep fresh for ever what adapters remember with them: they are made anew.
 */
const byStore = new WeakMap<object, { known: Map<string, Connected>; at: number }>()
const connections = (host: Host): Map<string, Connected> => {
  const now = host.now()
  const kept = byStore.get(host.cloudState)
  const known = kept && now >= kept.at - BACKWARDS ? kept.known : new Map<string, Connected>()
  byStore.set(host.cloudState, { known, at: now })
  return known
}

/** Asks the cloud how it is, breaker or not, and tells the breaker. Never throws for what the cloud does wrong. */
export const checkCloud = async (host: Host, cloud: CloudRow): Promise<CheckReport> => {
  try {
    const { cloud: connected } = await connectCloud(host, cloud, null, { throughBreaker: true })
    const report = await connected.check()
    if (report.reachable) await recordSuccess(host, cloud.id, true)
    else await recordFailure(host, cloud.id, new CloudError('ambiguous', report.warnings[0] ?? 'It does not answer.'))
    return report
  } catch (thrown) {
    const error = asCloudError(thrown)
    if (error.code === 'ambiguous') await recordFailure(host, cloud.id, error)
    const nothing = { account: null, version: null, clockSkewMs: null, denied: [] }
    return { reachable: false, ...nothing, warnings: [error.detail.operatorMessage ?? error.message] }
  }
}

/** Times of the last success that this process wrote down, so that not every answer costs a statement. */
const noted = new WeakMap<object, Map<string, number>>()
const lastNoted = (host: Host): Map<string, number> => {
  const times = noted.get(host.d1) ?? new Map<string, number>()
  noted.set(host.d1, times)
  return times
}

/**
 * Another call in a row without a clear answer; from the third on the cloud is left alone for a while. That of a part of it
 * keeps nobody from the others.
 */
export const recordFailure = async (host: Host, cloudId: string, error: CloudError): Promise<void> => {
  if (error.detail.part !== undefined) return
  lastNoted(host).delete(cloudId)
  await countFailure(host.db, cloudId, error.detail.operatorMessage ?? error.message, host.now())
}

/** The cloud answered. Writes at most every 30 seconds, unless something is to be forgiven. */
export const recordSuccess = async (host: Host, cloudId: string, now = false): Promise<void> => {
  const last = lastNoted(host).get(cloudId)
  if (!now && last !== undefined && last <= host.now() && host.now() - last < 30_000) return
  lastNoted(host).set(cloudId, host.now())
  await countSuccess(host.db, cloudId, host.now())
}
