import type { Offer } from '../contract.ts'
import type { Context } from './context.ts'
import type { Domain } from './records/domain.ts'

/** What the operator sells, in every zone: libvirt itself knows no sizes. */
export const offers = ({ options: { sizes, hosts } }: Pick<Context, 'options'>): Offer[] => {
  const zones = [...new Set(hosts.map(({ zone }) => zone))]
  return sizes.map(({ name, vcpus, ramMiB, diskGiB, arch }) => ({ name, vcpus, ramMiB, diskGiB, arch, gpus: 0, zones }))
}

/** The size that a domain has: the one that it was made as, the operator's first that fits, or none of those. */
export const sizeOf = ({ options: { sizes } }: Pick<Context, 'options'>, { cpus, ramMiB, note }: Domain): string => {
  const fitting = sizes.filter((size) => size.vcpus === cpus && size.ramMiB === ramMiB)
  const own = fitting.find(({ name }) => name === note?.made?.size)
  return (own ?? fitting[0])?.name ?? `custom-${cpus}x${ramMiB}`
}
