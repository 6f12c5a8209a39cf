import { own, table } from '../../adapters/table.ts'
import { type ProviderRow, resourceProviders, type Wanted } from '../../db/queries/compute/providers.ts'
import { idOf } from '../broker/line/uuid.ts'
import type { Context } from '../context.ts'
import { notFound } from '../http/fault.ts'
import type { HELD } from './resource-classes.ts'

/* A zone of a cloud as Placement has it: by the UUID that Nova shows it with as a hypervisor. It is no part of anything. */

type Held = (typeof HELD)[number]

/** Of each class: what there is, what is taken of it, and the most that one server can have. */
interface Inventory {
  total: number
  used: number
  most: number
}

export interface Provider {
  uuid: string
  name: string
  /** Another number where something else is there or taken. */
  generation: number
  cloudId: string
  zone: string
  inventories: Partial<Record<Held, Inventory>>
  traits: string[]
  aggregates: string[]
  /** A size on offer has as much as was asked for, or any is on offer. */
  fits: boolean
}

/** `placement.db.constants.MAX_INT`: where a cloud does not say how much it has, nothing here says that it ends. */
const MOST = 0x7fffffff

export const providerId = (cloudId: string, zone: string): string => idOf(`hypervisor/${cloudId}/${zone}`)

/** A number of 28 bits that is another one where a text is (FNV-1a): one of each server of a zone, so no hash that takes longer. */
export const numberOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 28)) & 0xfffffff
}

const inventory = (free: number | null, used: number, most: number | null): Inventory => {
  const total = free === null ? MOST : used + free
  return { total, used, most: Math.min(most ?? MOST, total) }
}

const ARCHITECTURES: Record<string, string> = table({ x86_64: 'HW_ARCH_X86_64', aarch64: 'HW_ARCH_AARCH64' })

/** Of what kind a cloud is, as a trait of our own. */
const ofType = (type: string): string => `CUSTOM_CLOUD_${type.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`

const traitsOf = ({ archs, enabled, type }: ProviderRow): string[] =>
  [
    ...(JSON.parse(archs ?? '[]') as string[]).flatMap((arch) => ARCHITECTURES[arch] ?? []),
    ...(enabled ? [] : ['COMPUTE_STATUS_DISABLED']),
    ofType(type),
  ].sort()

/** Every trait that may be asked for. */
export const isTrait = (name: string, providers: Provider[]): boolean =>
  name === 'COMPUTE_STATUS_DISABLED' ||
  Object.values(ARCHITECTURES).includes(name) ||
  providers.some(({ traits }) => traits.includes(name))
export const traitsOfAll = (providers: Provider[]): string[] =>
  [
    ...new Set([
      'COMPUTE_STATUS_DISABLED',
      ...Object.values(ARCHITECTURES),
      ...providers.flatMap(({ traits }) => traits),
    ]),
  ].sort()

/** A zone as it is read. */
export const providerIn = (row: ProviderRow): Provider => {
  const sells = row.mostVcpus !== null
  const inventories = sells
    ? {
        VCPU: inventory(row.freeVcpus, row.vcpus, row.mostVcpus),
        MEMORY_MB: inventory(row.freeRamMib, row.ramMib, row.mostRamMib),
        DISK_GB: inventory(null, row.diskGib, row.mostDiskGib),
      }
    : {}
  const traits = traitsOf(row)
  const aggregates = JSON.parse(row.aggregates) as string[]
  return {
    uuid: providerId(row.cloudId, row.zone),
    name: `${row.cloud}.${row.zone}`,
    generation: numberOf(JSON.stringify([inventories, traits, aggregates])),
    cloudId: row.cloudId,
    zone: row.zone,
    inventories,
    traits,
    aggregates,
    fits: row.fits === 1,
  }
}

/** All of them. @param wanted what one server is to have, for `fits` */
export const providersOf = async ({ db }: Pick<Context, 'db'>, wanted?: Wanted): Promise<Provider[]> =>
  (await resourceProviders(db, wanted)).map(providerIn)

/** The one of the path, or 404. */
export const providerOf = async (context: Pick<Context, 'db'>, uuid: string): Promise<Provider> => {
  const found = (await providersOf(context)).find((each) => each.uuid === uuid.toLowerCase())
  if (!found) throw notFound(`No resource provider with uuid ${uuid} found`)
  return found
}

/** Whether so much more of a class is there, for one server. */
export const hasRoom = ({ inventories }: Provider, name: string, amount: number): boolean => {
  const held = own(inventories, name)
  return held !== undefined && amount <= held.most && held.used + amount <= held.total
}
