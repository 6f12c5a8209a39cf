import type { Connection, Json } from '../../adapters/contract.ts'
import type { CloudRow } from '../../db/queries/clouds.ts'
import type { Host } from '../context.ts'
import { openCredentials } from './seal.ts'

/** Options of a cloud that the broker itself reads, with what each must be. All others are the adapter's. */
const OURS: Record<string, { fits(value: Json): boolean; want: string }> = {
  /** The cloud may live in a private network, and speak plain http there. */
  allow_private: { fits: (value) => typeof value === 'boolean', want: 'true or false' },
  /** Everything there is listed, nothing is changed. */
  read_only: { fits: (value) => typeof value === 'boolean', want: 'true or false' },
  /** Name of the external network that stands for its way out. */
  external_network: { fits: (value) => typeof value === 'string' && value !== '', want: 'a name' },
}

/** What is wrong with the options that are the broker's own, as sentences. */
export const optionFaults = (options: Record<string, Json>): string[] =>
  Object.entries(OURS)
    .filter(([key, { fits }]) => options[key] !== undefined && !fits(options[key]))
    .map(([key, { want }]) => `Option ${key} must be ${want}.`)

/** The options that are the adapter's. */
export const adapterOptions = (options: Record<string, Json>): Record<string, Json> =>
  Object.fromEntries(Object.entries(options).filter(([key]) => !Object.hasOwn(OURS, key)))

/** What an adapter is told: the cloud as registered, its secrets opened, seen by one project. Throws `denied` if they do not open. */
export const connectionTo = (
  host: Pick<Host, 'settings' | 'deployment'>,
  row: CloudRow,
  mapping: Record<string, Json>,
): Connection => ({
  cloudId: row.id,
  name: row.name,
  endpoint: row.endpoint,
  region: row.region,
  options: adapterOptions(row.options),
  credentials: openCredentials(host, row),
  mapping,
  deployment: host.deployment.id,
})
