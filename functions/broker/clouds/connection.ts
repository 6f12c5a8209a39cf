import type { Connection, Json } from '../../../adapters/contract.ts'
import { table } from '../../../adapters/table.ts'
import type { CloudRow } from '../../../db/queries/clouds/clouds.ts'
import type { Host, Trust } from '../../context.ts'
import { areCertificates } from '../../crypto/certificate.ts'
import { FILTERS } from './filters.ts'
import { areImageNames, IMAGE_NAMES, WANTED_NAMES, withoutImageNames } from './image-names.ts'
import { openCredentials } from './seal.ts'

type Ours = Record<string, { fits(value: Json): boolean; want: string }>

const isRoom = (value: Json): boolean => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { vcpus, ram_mib, ...others } = value
  return (
    [vcpus, ram_mib].every((each) => Number.isSafeInteger(each) && Number(each) >= 0) && !Object.keys(others).length
  )
}
const WANTED_ROOM = 'an object of vcpus and ram_mib, both whole numbers'

const isFilters = (value: Json): boolean => FILTERS.some((each) => each === value)

/** Options of a cloud that the broker itself reads, with what each must be. All others are the adapter's. */
const OURS: Ours = table({
  /** The cloud may live in a private network, and speak plain http there. */
  allow_private: { fits: (value) => typeof value === 'boolean', want: 'true or false' },
  /** Everything there is listed, nothing is changed. */
  read_only: { fits: (value) => typeof value === 'boolean', want: 'true or false' },
  /** Whom to believe that it is the cloud, where no public authority says so. */
  tls: {
    fits: (value) => trustIn(value) !== null,
    want: 'an object of either ca (certificates, PEM) or fingerprint (SHA-256)',
  },
  /** What it does with security groups for projects whose mapping says nothing. */
  filters: { fits: isFilters, want: `one of ${FILTERS.join(', ')}` },
  /** Which entries of its catalogue are images that other clouds have too; also as `as` within `images`. */
  [IMAGE_NAMES]: { fits: areImageNames, want: WANTED_NAMES },
  /** The share of its room, 0 to 1, up to which it takes servers of projects whose policy says nothing. */
  mark: { fits: (value) => typeof value === 'number' && value >= 0 && value <= 1, want: 'a number from 0 to 1' },
  /** How much room it has, where it does not say so itself or is to be used in part. */
  room: { fits: isRoom, want: WANTED_ROOM },
  /** Name of the external network that stands for its way out. */
  external_network: { fits: (value) => typeof value === 'string' && value !== '', want: 'a name' },
})

/** The same of a mapping. */
const OURS_OF_MAPPING: Ours = table({
  /** What the cloud does with security groups for this project. */
  filters: OURS.filters!,
  /** How much of the cloud's room is the project's own. */
  room: { fits: isRoom, want: WANTED_ROOM },
  /** Ports may be without port security where the cloud filters. */
  port_security_off: { fits: (value) => typeof value === 'boolean', want: 'true or false' },
})

const FINGERPRINT = /^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i

/** The option `tls` as it is meant; null: it is none. */
const trustIn = (value: Json | undefined): Trust | null => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const { ca = null, fingerprint = null, ...others } = value
  if (Object.keys(others).length > 0 || (ca === null) === (fingerprint === null)) return null
  if (fingerprint !== null)
    return typeof fingerprint === 'string' && FINGERPRINT.test(fingerprint)
      ? { ca: null, fingerprint: fingerprint.replaceAll(':', '').toLowerCase() }
      : null
  return typeof ca === 'string' && areCertificates(ca) ? { ca, fingerprint: null } : null
}

/** Whom connections to a cloud believe in place of the public authorities; null: nobody. */
export const trustOf = ({ options }: Pick<CloudRow, 'options'>): Trust | null => trustIn(options.tls)

/** Options that the broker reads itself, whatever the type of a cloud: what each must be, as the end of a sentence. */
export const ownOptions: { name: string; want: string }[] = Object.entries(OURS).map(([name, { want }]) => ({
  name,
  want,
}))

/** What is wrong with the options that are the broker's own, as sentences. */
export const optionFaults = (options: Record<string, Json>): string[] => {
  const { names, rest } = withoutImageNames(options)
  const said = names === undefined ? rest : { ...rest, [IMAGE_NAMES]: names }
  return unfit(OURS, said).map(([key, { want }]) => `Option ${key} must be ${want}.`)
}

/** What is wrong with what a mapping says to the broker itself, as sentences. */
export const mappingFaults = (mapping: Record<string, Json>): string[] =>
  unfit(OURS_OF_MAPPING, mapping).map(([key, { want }]) => `mapping.${key}: must be ${want}`)

const unfit = (ours: Ours, said: Record<string, Json>) =>
  Object.entries(ours).filter(([key, { fits }]) => said[key] !== undefined && !fits(said[key]))

const others = (ours: Ours, said: Record<string, Json>): Record<string, Json> =>
  Object.fromEntries(Object.entries(said).filter(([key]) => !Object.hasOwn(ours, key)))

/** The options that are the adapter's. */
export const adapterOptions = (options: Record<string, Json>): Record<string, Json> =>
  others(OURS, withoutImageNames(options).rest)

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
  mapping: others(OURS_OF_MAPPING, mapping),
  deployment: host.deployment.id,
})
