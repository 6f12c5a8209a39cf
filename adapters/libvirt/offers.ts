import type { Offer } from '../contract.ts'
import type { Context } from './context.ts'
import type { Domain } from './records/domain.ts'

/** What the operator sells: libvirt itself knows no sizes. In no zone, as nothing is made yet. */
export const offers = ({ options: { sizes } }: Pick<Context, 'options'>): Offer[] =>
  sizes.map(({ name, vcpus, ramMiB, diskGiB, arch }) => ({ name, vcpus, ramMiB, diskGiB, arch, gpus: 0, zones: [] }))

/** The size that a domain has: the operator's first that fits, or none of those. */
export const sizeOf = ({ options: { sizes } }: Pick<Context, 'options'>, { cpus, ramMiB }: Domain): string =>
  sizes.find((size) => size.vcpus === cpus && size.ramMiB === ramMiB)?.name ?? `custom-${cpus}x${ramMiB}`
