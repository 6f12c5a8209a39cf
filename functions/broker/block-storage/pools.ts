import type { VolumeZone } from '../../../db/queries/block-storage/volume-zones.ts'
import { DEFAULT_TYPE } from './type-names.ts'

/** The extra spec that names zones: Cinder's scheduler reads it, and nobody compares it with a pool. */
export const RESERVED_ZONES = 'RESKEY:availability_zones'

/** What is said of where volumes of one type are in one zone of a cloud, in the words of Cinder's capabilities. */
export interface Pool {
  name: string
  volume_backend_name: string
  vendor_name: string
  storage_protocol: string
  [capability: string]: string | number | boolean
}

/** A pool for what the cloud takes by default, and one for each of its types. Nobody says how much room is left: neither do we. */
export const poolsIn = ({ cloud, zone, type, volumeTypes, seenAt }: VolumeZone): Pool[] =>
  [DEFAULT_TYPE, ...volumeTypes].map((name) => ({
    name: `${cloud}@${zone}#${name}`,
    pool_name: name,
    volume_backend_name: name,
    vendor_name: type,
    storage_protocol: type,
    driver_version: '1',
    timestamp: seenAt === null ? '' : new Date(seenAt).toISOString().replace(/Z$/, '000'),
    total_capacity_gb: 'unknown',
    free_capacity_gb: 'unknown',
    reserved_percentage: 0,
    max_over_subscription_ratio: '1.0',
    QoS_support: false,
    multiattach: false,
    thin_provisioning_support: false,
    thick_provisioning_support: false,
    consistencygroup_support: false,
    replication_enabled: false,
  }))

const CAPABILITIES = 'capabilities:'

/**
 * Whether a pool is as extra specs ask, as Cinder's capabilities filter compares: what has another scope than `capabilities`
 * is not compared. https://docs.openstack.org/cinder/latest/configuration/block-storage/scheduler-filters.html
 */
export const satisfies = (pool: Pool, specs: Record<string, string>): boolean =>
  Object.entries(specs).every(([key, wanted]) => {
    const name = key.startsWith(CAPABILITIES) ? key.slice(CAPABILITIES.length) : key
    if (name.includes(':')) return true
    return Object.hasOwn(pool, name) && meets(pool[name]!, wanted.trim())
  })

const meets = (has: string | number | boolean, wanted: string): boolean => {
  const [operator = '', ...words] = wanted.split(/\s+/)
  if (operator === '<is>') return ['true', 't', '1', 'yes'].includes((words[0] ?? '').toLowerCase()) === Boolean(has)
  if (operator === '<in>') return String(has).includes(words.join(' '))
  if (operator === '<or>') return words.filter((word) => word !== '<or>').includes(String(has))
  if (['=', '>=', '<='].includes(operator) && typeof has === 'number')
    return operator === '='
      ? has === Number(words[0])
      : operator === '>='
        ? has >= Number(words[0])
        : has <= Number(words[0])
  return String(has).toLowerCase() === wanted.toLowerCase()
}
