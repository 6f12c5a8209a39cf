import type { CandidateRow } from '../../db/queries/compute/candidates.ts'
import { type Requirement, rank } from '../../functions/broker/compute/place/rank.ts'
import { median } from './load.ts'
import type { Table } from './table.ts'

const OFFERS = 10_000
const MOST_MS = 10
const ROUNDS = 50

/** Numbers that look drawn and are the same each time. */
const drawing = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

/** Offers of 20 clouds with 5 zones each, on demand and as spot, one in five of them without a price. */
const offers = (): CandidateRow[] => {
  const draw = drawing(1)
  return Array.from({ length: OFFERS }, (_, n): CandidateRow => {
    const cloud = n % 20
    const vcpus = 1 + Math.floor(draw() * 64)
    const hourly = draw() < 0.2 ? null : Math.floor(vcpus * 10_000 * (0.5 + draw()))
    return {
      cloudId: `cloud-${cloud}`,
      cloudName: `cloud-${cloud}`,
      zone: `zone-${Math.floor(n / 20) % 5}`,
      position: cloud % 3,
      available: true,
      load: draw(),
      freeVcpus: Math.floor(draw() * 128),
      freeRamMib: Math.floor(draw() * 2 ** 19),
      native: `size-${n}`,
      vcpus,
      ramMib: vcpus * 2_048,
      diskGib: 0,
      arch: draw() < 0.9 ? 'x86_64' : 'aarch64',
      gpus: 0,
      option: n % 2 && hourly !== null ? 'spot' : 'on-demand',
      hourly,
      idle: null,
      priceSource: hourly === null ? null : 'provider',
      priceAsOf: hourly === null ? null : 1,
      refused: null,
    }
  })
}

const flavor = { id: '3', name: 'm1.medium', vcpus: 2, ramMib: 4_096, diskGib: 40, ephemeralGib: 0, swapMib: 0 }
const required: Requirement = {
  flavor: { ...flavor, extraSpecs: {}, native: false },
  arch: 'x86_64',
  zone: null,
  clouds: null,
  tied: {},
  home: { cloudId: 'cloud-3', zone: 'zone-1', of: 'server' },
  converting: [],
  spot: 'allowed',
}

/** Where a server goes, of ten thousand offers; the database hands over fewer. */
export const benchPlaces = (table: Table): void => {
  const all = offers()
  const took = Array.from({ length: ROUNDS }, () => {
    const before = performance.now()
    const places = rank(required, all)
    if (!places.length) throw new Error('nowhere to go')
    return performance.now() - before
  })
  const value = `${median(took).toFixed(1)} ms`
  table.row(`places of ${OFFERS} offers`, value, '')
  table.target(`places of ${OFFERS} offers < ${MOST_MS} ms`, median(took) < MOST_MS, value)
}
