import type { Zone } from '../../contract.ts'
import { refusal } from '../errors.ts'
import type { Settings, ZoneSetting } from '../options.ts'
import type { Claims, Ledger } from './claims.ts'

/** vCPUs, MiB of memory, GiB of disk. */
export type Amount = [number, number, number]

const total = (zone: ZoneSetting): Amount => [zone.vcpus, zone.ram_mib, zone.disk_gib]

const used = (claims: Ledger | { amount: number[] }[], except?: string): Amount => {
  const sum: Amount = [0, 0, 0]
  for (const [name, { amount }] of Object.entries(claims)) {
    if (name !== except) for (const i of [0, 1, 2] as const) sum[i] += amount[i] ?? 0
  }
  return sum
}

/** How full the zones are, and the one way to take room in them: servers take all three, volumes only disk. */
export class Room {
  readonly #claims: Claims
  readonly #zones: ZoneSetting[]
  readonly #now: () => number

  constructor(claims: Claims, settings: Settings, now: () => number) {
    this.#claims = claims
    this.#zones = settings.zones
    this.#now = now
  }

  /** The zone of that name; throws if there is none. */
  zone(name: string): ZoneSetting {
    const zone = this.#zones.find((each) => each.name === name)
    if (!zone) throw refusal('InvalidValue', `The cloud has no zone ${name}.`)
    return zone
  }

  /** Takes room, or changes what the holder has to `amount`. Throws `capacity` if the zone is full or closed. */
  async take(zoneName: string, holder: string, amount: Amount): Promise<void> {
    const zone = this.zone(zoneName)
    const full = () => refusal('NoRoom', `Zone ${zoneName} has not enough room left.`)
    if (zone.available === false) throw full()
    const limit = total(zone)
    const take = (claims: Ledger): true | null => {
      const others = used(claims, holder)
      const before = claims[holder]?.amount ?? [0, 0, 0]
      // What shrinks always fits, even if the operator made the zone smaller in the meantime.
      for (const i of [0, 1, 2] as const) {
        if (amount[i] > (before[i] ?? 0) && others[i] + amount[i] > limit[i]) return null
      }
      claims[holder] = { holder, at: this.#now(), until: null, amount }
      return true
    }
    await this.#claims.claim(`zone/${zoneName}`, take, full)
  }

  /** Gives the holder's room back at `at`. */
  async release(zoneName: string, holder: string, at: number): Promise<void> {
    await this.#claims.release(`zone/${zoneName}`, holder, at)
  }

  async zones(): Promise<Zone[]> {
    return Promise.all(
      this.#zones.map(async (zone) => {
        const [vcpus, ramMiB, diskGiB] = used(await this.#claims.read(`zone/${zone.name}`))
        return {
          name: zone.name,
          available: zone.available !== false,
          room: { vcpus: [vcpus, zone.vcpus], ramMiB: [ramMiB, zone.ram_mib], diskGiB: [diskGiB, zone.disk_gib] },
        } satisfies Zone
      }),
    )
  }
}
