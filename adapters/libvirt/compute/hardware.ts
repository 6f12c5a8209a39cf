import type { ServerSpec } from '../../contract.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Agent } from '../marks.ts'

/* What a machine is built of, as properties of its image say in Glance's words (glance: useful image properties). */

interface Hardware {
  bus: 'virtio' | 'scsi' | 'sata' | 'ide' | 'usb'
  card: string
  firmware: 'bios' | 'uefi'
  machine: 'q35' | 'pc' | 'virt'
}

const BUSES = ['virtio', 'scsi', 'sata', 'ide', 'usb'] as const
const CARDS = ['virtio', 'e1000', 'e1000e', 'rtl8139', 'ne2k_pci', 'pcnet', 'vmxnet3']

/** Glance's words: what is optional is not done. */
const SECURE_BOOT = ['disabled', 'optional', 'required'] as const

const oneOf = <T extends string>(property: string, value: string | undefined, known: readonly T[], usual: T): T => {
  if (value === undefined) return usual
  return (
    known.find((each) => each === value) ?? refuse(`The image says ${property}=${value}; there is ${known.join(', ')}.`)
  )
}

/** Of `pc-q35-7.2` the family: which version of it there is, the host knows. */
const machineIn = (said: string | undefined, arch: 'x86_64' | 'aarch64'): Hardware['machine'] => {
  if (arch === 'aarch64')
    return said === undefined || said.startsWith('virt') ? 'virt' : refuse(`An ARM machine is no ${said}.`)
  if (said === undefined || /^(pc-)?q35/.test(said)) return 'q35'
  return /^pc(-i440fx.*)?$/.test(said) ? 'pc' : refuse(`The image says hw_machine_type=${said}; there is q35, pc.`)
}

/** @throws `definitive` for what is not built */
export const hardwareOf = ({ hardware = {} }: Pick<ServerSpec, 'hardware'>, arch: 'x86_64' | 'aarch64'): Hardware => {
  const machine = machineIn(hardware.hw_machine_type, arch)
  if (oneOf('os_secure_boot', hardware.os_secure_boot, SECURE_BOOT, 'disabled') === 'required')
    refuse('The image says os_secure_boot=required, and machines of this cloud boot whatever is on their disk.')
  const bus = oneOf('hw_disk_bus', hardware.hw_disk_bus, BUSES, 'virtio')
  if (bus === 'ide' && machine !== 'pc')
    refuse('Only machines of type pc have disks on IDE: the image says hw_disk_bus=ide.')
  return {
    machine,
    bus,
    card: oneOf('hw_vif_model', hardware.hw_vif_model, CARDS, 'virtio'),
    firmware: oneOf(
      'hw_firmware_type',
      hardware.hw_firmware_type,
      ['bios', 'uefi'] as const,
      arch === 'aarch64' ? 'uefi' : 'bios',
    ),
  }
}

const YES = /^(1|t|true|on|y|yes)$/i

/** The agent in the guest, as the image tells of it; undefined: it tells of none. */
export const agentIn = ({ hardware = {} }: Pick<ServerSpec, 'hardware'>): Agent | undefined => {
  const { hw_qemu_guest_agent: there = '', os_require_quiesce: required = '', os_admin_user: admin } = hardware
  const quiesce = YES.test(required) ? 'required' : YES.test(there) ? 'wanted' : undefined
  return quiesce || admin ? { ...(quiesce && { quiesce }), ...(admin && { admin }) } : undefined
}
