import type { ServerSpec } from '../../contract.ts'
import { escapeXml } from '../../shared/xml.ts'
import { NAMESPACE, type Note, writeNote } from '../marks.ts'
import type { VolumeRef } from '../wire/procedures.ts'
import { hardwareOf } from './hardware.ts'
import { randomWord, screenXml } from './screen.ts'

/** All that a machine's definition follows from. */
export interface Plan {
  spec: Pick<ServerSpec, 'size' | 'hardware'>
  uuid: string
  arch: 'x86_64' | 'aarch64'
  /** Whether the processor of the host runs the guest; false: it is emulated. */
  accelerated: boolean
  note: Note
  /** Its network cards, each in the words of a domain. */
  cards: string[]
  root: { volume: Pick<VolumeRef, 'pool' | 'name'>; format: string }
  /** Discs that the guest reads. */
  discs: Pick<VolumeRef, 'pool' | 'name'>[]
  /** The file on the host into which goes what the guest says on its console. */
  log: string
}

/** Seats on PCI Express for what is plugged in while the machine runs, which has none but those that it was born with. */
const SPARE_SEATS = 14

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz']
const PREFIXES = { virtio: 'vd', scsi: 'sd', sata: 'sd', usb: 'sd', ide: 'hd' } as const

const source = ({ pool, name }: Pick<VolumeRef, 'pool' | 'name'>): string =>
  `<source pool="${escapeXml(pool)}" volume="${escapeXml(name)}"/>`

/** The one disk of its own, then the discs; those are on SCSI of virtio wherever the disk is on virtio, as guests for clouds know that. */
const drives = ({ root, discs, spec, arch }: Plan): string => {
  const { bus } = hardwareOf(spec, arch)
  const discBus = bus === 'virtio' ? 'scsi' : bus
  const shared = PREFIXES[bus] === PREFIXES[discBus] ? 1 : 0
  return [
    `<disk type="volume" device="disk"><driver name="qemu" type="${root.format}" discard="unmap"/>${source(root.volume)}<target dev="${PREFIXES[bus]}a" bus="${bus}"/><boot order="1"/></disk>`,
    ...discs.map(
      (disc, i) =>
        `<disk type="volume" device="cdrom"><driver name="qemu" type="raw"/>${source(disc)}<target dev="${PREFIXES[discBus]}${LETTERS[i + shared]}" bus="${discBus}"/><readonly/></disk>`,
    ),
    bus === 'virtio' || bus === 'scsi' ? '<controller type="scsi" model="virtio-scsi"/>' : '',
  ].join('')
}

/** The definition of a server's machine. Its mark is in it from the first. @throws `definitive` for hardware that is not built */
export const domainXml = (plan: Plan): string => {
  const { spec, uuid, arch, accelerated, note, cards, log } = plan
  const { machine, firmware } = hardwareOf(spec, arch)
  const express = machine === 'q35' || machine === 'virt'
  const seats = express
    ? `<controller type="pci" model="pcie-root"/>${'<controller type="pci" model="pcie-root-port"/>'.repeat(SPARE_SEATS + cards.length)}`
    : ''
  return [
    `<domain type="${accelerated ? 'kvm' : 'qemu'}"><name>plimsoll-${uuid}</name><uuid>${uuid}</uuid>`,
    `<metadata>${writeNote(note, uuid).replace('<server>', `<server xmlns="${NAMESPACE}">`)}</metadata>`,
    `<memory unit="MiB">${spec.size.ramMiB}</memory><vcpu>${spec.size.vcpus}</vcpu>`,
    firmware === 'uefi'
      ? `<os firmware="efi"><type arch="${arch}" machine="${machine}">hvm</type><firmware><feature enabled="no" name="secure-boot"/></firmware></os>`
      : `<os><type arch="${arch}" machine="${machine}">hvm</type></os>`,
    `<features><acpi/>${arch === 'x86_64' ? '<apic/>' : ''}</features>`,
    accelerated ? '<cpu mode="host-model"/>' : '<cpu mode="maximum"/>',
    '<clock offset="utc"/><on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>',
    `<devices>${seats}${drives(plan)}`,
    ...cards,
    `<serial type="pty"><log file="${escapeXml(log)}" append="on"/><target port="0"/></serial>`,
    '<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>',
    `${screenXml({ port: -1, password: randomWord(), until: 0 })}<video><model type="vga"/></video>`,
    '<rng model="virtio"><backend model="random">/dev/urandom</backend></rng><memballoon model="virtio"/>',
    '</devices></domain>',
  ].join('')
}
