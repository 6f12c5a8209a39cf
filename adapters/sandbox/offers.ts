import type { Offer, PartPrice, Price } from '../contract.ts'
import type { Engine } from './engine.ts'

/** Every size of the options, in every zone that sells it. */
export const offers = (engine: Engine): Promise<Offer[]> =>
  engine.call('cloud.offers', {}, async () => {
    const zones = engine.settings.zones.map(({ name }) => name)
    return engine.settings.sizes.map(({ name, vcpus, ram_mib, disk_gib, arch, gpus, ...size }) => ({
      name,
      vcpus,
      ramMiB: ram_mib,
      diskGiB: disk_gib,
      arch: arch ?? 'x86_64',
      gpus: gpus ?? 0,
      zones: size.zones ?? zones,
    }))
  })

/** What the sizes of the options cost there: all the same in each zone. */
export const prices = (engine: Engine): Promise<Price[]> =>
  engine.call('cloud.prices', {}, async () =>
    engine.settings.sizes.flatMap(({ name: size, price, spot_price: spot, idle_price: idle }) => {
      const said = { size, zone: null, currency: 'USD', asOf: engine.now(), source: 'provider' } as const
      const resting = idle === undefined ? {} : { idle }
      return [
        ...(price === undefined ? [] : [{ ...said, option: 'on-demand' as const, amount: price, ...resting }]),
        ...(spot === undefined ? [] : [{ ...said, option: 'spot' as const, amount: spot, ...resting }]),
      ]
    }),
  )

/** What the options say of disks, all types alike, and of public addresses. */
export const partPrices = async (engine: Engine): Promise<PartPrice[]> => {
  const { disk_price: disk, address_price: address, volume_types: types } = engine.settings
  const said = { currency: 'USD', asOf: engine.now(), source: 'provider' } as const
  return [
    ...(disk > 0 ? [null, ...types].map((type) => ({ ...said, what: 'disk' as const, type, amount: disk })) : []),
    ...(address > 0 ? [{ ...said, what: 'address' as const, type: null, amount: address }] : []),
  ]
}
