import type { Offer } from '../contract.ts'
import type { Context } from './context.ts'
import { inventoryOf } from './inventory.ts'
import { KEY } from './marks.ts'
import type { Machine } from './records/machine.ts'

/** What the operator sells, in the zones that there are. vSphere itself knows no sizes. */
export const offers = async (context: Context): Promise<Offer[]> => {
  const { options } = context
  const zones = (await inventoryOf(context)).clusters.map(({ name }) => name).toSorted()
  return options.sizes.map(({ name, vcpus, ramMiB, diskGiB, arch, zones: sold }) => ({
    name,
    vcpus,
    ramMiB,
    diskGiB,
    arch,
    gpus: 0,
    zones: zones.filter((zone) => sold === null || sold.includes(zone)),
  }))
}

/**
 * The size that a machine has: the one it was made with, as long as its hardware still is that, otherwise the first
 * that fits, otherwise none of the operator's.
 */
export const sizeOf = (
  { options: { sizes } }: Pick<Context, 'options'>,
  machine: Pick<Machine, 'cpus' | 'ramMiB' | 'own'>,
): string => {
  const fits = sizes.filter(({ vcpus, ramMiB }) => vcpus === machine.cpus && ramMiB === machine.ramMiB)
  const [first] = fits
  const made = fits.find(({ name }) => name === machine.own[KEY.size])
  return (made ?? first)?.name ?? `custom-${machine.cpus}x${machine.ramMiB}`
}
