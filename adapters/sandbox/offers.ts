import type { Offer } from '../contract.ts'
import type { Engine } from './engine.ts'

/** Every size of the options, in every zone that sells it. */
export const offers = (engine: Engine): Promise<Offer[]> =>
  engine.call('cloud.offers', {}, async () => {
    const zones = engine.settings.zones.map(({ name }) => name)
    return engine.settings.sizes.map(({ name, vcpus, ram_mib, disk_gib, arch, gpus, price, ...size }) => ({
      name,
      vcpus,
      ramMiB: ram_mib,
      diskGiB: disk_gib,
      arch: arch ?? 'x86_64',
      gpus: gpus ?? 0,
      zones: size.zones ?? zones,
      ...(price !== undefined && { price: { amount: price, currency: 'USD' } }),
    }))
  })
