import type { SubnetSpec, Wire } from '../../contract.ts'
import { refuse } from '../../shared/refusals.ts'
import type { BridgeOption } from '../options.ts'

/*
 * A subnet on a bridge that an operator names is a network of libvirt's that is that bridge, and has nothing else: no address of
 * its host, and no DHCP. https://libvirt.org/formatnetwork.html#using-an-existing-host-bridge
 */

/** What holds back nothing on Open vSwitch: its packets go past iptables. */
export const UNFILTERED =
  'Nothing filters ports on a bridge of Open vSwitch, as their packets pass no filter of the host: they are without port security.'

/** A bridge as it is shown to others. */
export const wireOf = ({ name, openvswitch, vlans }: BridgeOption): Wire => ({
  name,
  vlans,
  flat: openvswitch || vlans === null,
  whyUnfiltered: openvswitch ? UNFILTERED : null,
})

/** What a network of libvirt's is plugged into. */
export interface Plugged {
  bridge: string
  openvswitch: boolean
  /** Tagged by Open vSwitch; null: nothing is. */
  tag: number | null
}

/** The bridge of a host on which a subnet lies. @throws `definitive` where the operator names none such */
export const pluggedInto = (bridges: BridgeOption[], { name, vlan }: NonNullable<SubnetSpec['wire']>): Plugged => {
  const option = bridges.find((each) => each.name === name) ?? refuse(`The operator names no bridge ${name} any more.`)
  const { bridge, openvswitch, vlans } = option
  if (vlan === null && !wireOf(option).flat) refuse(`Bridge ${name} carries VLANs alone.`)
  if (vlan !== null && !(vlans && vlan >= vlans[0] && vlan <= vlans[1]))
    refuse(`Bridge ${name} does not carry VLAN ${vlan}.`)
  return { bridge: bridge.replace('{vlan}', String(vlan)), openvswitch, tag: openvswitch ? vlan : null }
}
