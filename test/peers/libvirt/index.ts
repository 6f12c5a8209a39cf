import type { Report } from '../support/report.ts'
import { adapterOnLibvirt } from './adapter.peer.ts'
import { adoptedOnLibvirt } from './adopt.peer.ts'
import { bootedOnLibvirt } from './boot.peer.ts'
import { consolesOnLibvirt } from './console.peer.ts'
import { killedOnLibvirt } from './killed.peer.ts'
import { lacking, launch } from './launch.ts'
import { networkedOnLibvirt } from './network.peer.ts'
import { spreadOnLibvirt } from './racks.peer.ts'
import { reachedOnLibvirt } from './reach.peer.ts'
import { reachedBySsh } from './ssh.peer.ts'

/**
 * A KVM host, whose libvirtd and QEMU are real: the adapter by itself, then what somebody has there and hands over.
 * @param turn null: all of it; else a number by which parts take turns, without what is long
 */
export const libvirt = async (report: Report, turn: number | null): Promise<void> => {
  const isOn = (half: number) => turn === null || turn % 2 === half
  const lack = await lacking()
  if (lack) return report.step('libvirt', 'a host of its own', 'skipped', 0, lack)
  const host = await launch()
  try {
    await build(host)
    await reachedBySsh(report, host, isOn(1))
    if (isOn(0)) await adapterOnLibvirt(report, host)
    await bootedOnLibvirt(report, host)
    await consolesOnLibvirt(report, host)
    await reachedOnLibvirt(report, host)
    await networkedOnLibvirt(report, host)
    await adoptedOnLibvirt(report, host)
  } finally {
    await host.stop()
  }
  if (turn !== null) return
  await spreadOnLibvirt(report)
  await killedOnLibvirt(report)
}

/** Machines as people make them: one that runs, with two disks and two cards, and one of somebody else's. */
const build = async ({ virsh, virtInstall, pool }: Awaited<ReturnType<typeof launch>>): Promise<void> => {
  for (const [name, size, format] of [
    ['web.qcow2', '1G', 'qcow2'],
    ['web-data.raw', '8M', 'raw'],
    ['other.qcow2', '1G', 'qcow2'],
  ] as const)
    await virsh('vol-create-as', pool, name, size, '--format', format)
  const usual = ['--virt-type', 'qemu', '--osinfo', 'debian11', '--memory', '64', '--vcpus', '1', '--import']
  const quiet = ['--graphics', 'none', '--noautoconsole']
  const disks = ['--disk', `vol=${pool}/web.qcow2`, '--disk', `vol=${pool}/web-data.raw`]
  const cards = ['--network', 'network=default,mac=52:54:00:00:00:01', '--network', 'bridge=br9,mac=52:54:00:00:00:02']
  await virtInstall('--name', 'web', ...usual, ...disks, ...cards, ...quiet)
  await virtInstall('--name', 'other', ...usual, '--disk', `vol=${pool}/other.qcow2`, '--network', 'none', ...quiet)
}
