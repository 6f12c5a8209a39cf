import type { PortRow } from '../../../db/queries/network/ports.ts'
import type { DhcpOption } from '../../../db/schema/index.ts'
import type { Clouds } from '../clouds/adapter.ts'
import { whyLacking } from '../clouds/lacking.ts'
import { conflicting, invalidInput } from './network-refusal.ts'

/* Options of DHCP of a port: https://docs.openstack.org/api-ref/network/v2/#extra-dhcp-options-extension */

/** One port has so many at most. */
export const MOST_OPTIONS = 32

/** What is asked of one option; null: that it is gone. */
export type DhcpOptionWish = Omit<DhcpOption, 'value'> & { value: string | null }

const isSame = (a: DhcpOptionWish, b: DhcpOptionWish): boolean => a.name === b.name && a.family === b.family

/** What is left once each wish was fulfilled in its turn (neutron/db/extradhcpopt_db.py, `_update_extra_dhcp_opts_on_port`). */
const fulfilled = (had: DhcpOption[], wishes: DhcpOptionWish[]): DhcpOption[] =>
  wishes.reduce((options, { value, ...which }) => {
    const at = options.findIndex((each) => isSame(each, { ...which, value }))
    if (value === null) return options.filter((_, i) => i !== at)
    const option = { ...which, value }
    return at < 0 ? options.concat(option) : options.with(at, option)
  }, had)

/** The options that a port is to have; refused where its cloud tells no guest of any. */
export const plannedOptions = async (
  among: Clouds,
  cloudId: string | null,
  { dhcpOptions }: Pick<PortRow, 'dhcpOptions'>,
  wishes: DhcpOptionWish[],
): Promise<DhcpOption[]> => {
  const options = fulfilled(dhcpOptions, wishes)
  if (options.length > MOST_OPTIONS) throw invalidInput(`a port has ${MOST_OPTIONS} options of DHCP at most`)
  const why = options.length ? await whyLacking(among, cloudId, 'port.dhcp_options') : null
  if (why) throw conflicting('ExtraDhcpOptsNotSupported', why)
  return options
}
