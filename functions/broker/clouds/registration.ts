import type { Json } from '../../../adapters/contract.ts'
import { asCloudError } from '../../../adapters/errors.ts'
import { adapterFor, adapters, capabilitiesOf } from '../../../adapters/registry.ts'
import type { MappedCloud } from '../../../db/queries/clouds/clouds.ts'
import type { Host } from '../../context.ts'
import { connectMapped } from './clouds.ts'
import { adapterOptions, optionFaults, ownOptions } from './connection.ts'
import { endpointFault } from './endpoint.ts'
import { filteringOf, filtersFault, termsOf } from './filters.ts'
import { isReadOnly } from './read-only.ts'

/** Everything of a cloud that can be wrong when it is registered or changed; credentials in the clear. */
export interface Registration {
  name: string
  type: string
  endpoint: string | null
  region: string | null
  options: Record<string, Json>
  credentials: Record<string, string>
}

/** Why a cloud cannot be registered like this, in sentences that repeat no secret; empty if it can. */
export const registrationFaults = async (
  { settings: { runtime } }: Pick<Host, 'settings'>,
  cloud: Registration,
): Promise<string[]> => {
  const adapter = await adapterFor(cloud.type)
  if (!adapter) return [`There is no type '${cloud.type}'; there are ${Object.keys(adapters).join(', ')}.`]
  if (!adapter.runtimes.includes(runtime))
    return [`Type '${cloud.type}' does not run on ${runtime}, only on ${adapter.runtimes.join(', ')}.`]
  const endpoint = cloud.endpoint === null ? null : await endpointFault(cloud.endpoint, cloud)
  const forAdapter = { ...cloud, options: adapterOptions(cloud.options) }
  const trust = cloud.options.tls === undefined || runtime === 'node' ? [] : [NO_TRUST]
  const filters = filtersFault(cloud.options.filters, null, { name: cloud.name, adapter })
  return [
    ...(endpoint ? [endpoint] : []),
    ...optionFaults(cloud.options),
    ...(filters ? [filters] : []),
    ...trust,
    ...adapter.validate(forAdapter, runtime),
  ]
}

/** What each type of clouds is and asks for, the broker's own options behind those of its adapter. */
export const cloudTypes = async ({ settings: { runtime } }: Pick<Host, 'settings'>) =>
  (await Promise.all(Object.keys(adapters).map(adapterFor)))
    .filter((adapter) => adapter !== null)
    .map(({ type, maturity, runtimes, asks }) => ({
      type,
      maturity,
      runtimes,
      runsHere: runtimes.includes(runtime),
      options: [...asks.options, ...ownOptions.map((own) => ({ ...own, usual: null, required: false }))],
      credentials: asks.credentials,
    }))

const NO_TRUST =
  'Option tls works on Node alone: Workers accept certificates of a public authority only, so the cloud needs one, or a tunnel, a proxy or a VPC binding in front of it that has one.'

/** What an operator should know of a cloud that is registered like this, in sentences. */
export const adviceOn = async (
  { settings: { runtime } }: Pick<Host, 'settings'>,
  { name, type, endpoint, region, options }: Pick<Registration, 'name' | 'type' | 'endpoint' | 'region' | 'options'>,
): Promise<string[]> => {
  const adapter = await adapterFor(type)
  return adapter?.advice?.({ name, endpoint, region, options: adapterOptions(options) }, runtime) ?? []
}

/** What a cloud can do, and why it cannot do the rest: asked of its adapter, not of the cloud. */
export const describeCloud = async (host: Host, mapped: MappedCloud) => {
  const row = mapped.cloud
  try {
    const { cloud, adapter } = await connectMapped(host, mapped, { throughBreaker: true })
    const { maturity, runtimes, reservedAddresses, limits } = adapter
    const { filters, whyNone, whyAlways } = filteringOf({ name: row.name, adapter }, termsOf(mapped))
    return {
      cloud: row.name,
      type: row.type,
      maturity,
      read_only: isReadOnly(row),
      runtimes,
      reserved_addresses: reservedAddresses,
      limits,
      filters,
      ...(whyNone !== null && { filters_reason: whyNone }),
      port_security_off: whyAlways === null,
      ...(cloud.driveBy && { config_drive: cloud.driveBy }),
      capabilities: capabilitiesOf(cloud, adapter),
    }
  } catch (error) {
    return { cloud: row.name, type: row.type, unavailable: asCloudError(error).message }
  }
}
