import type { Report } from '../support/report.ts'
import { adapterOnLibvirt } from './adapter.peer.ts'
import { adoptedOnLibvirt } from './adopt.peer.ts'
import { agentOnLibvirt } from './agent.peer.ts'
import { bootedOnLibvirt } from './boot.peer.ts'
import { consolesOnLibvirt } from './console.peer.ts'
import { killedOnLibvirt } from './killed.peer.ts'
import { type Libvirtd, lacking, launch } from './launch.ts'
import { loggedInToLibvirt } from './login.peer.ts'
import { networkedOnLibvirt } from './network.peer.ts'
import { spreadOnLibvirt } from './racks.peer.ts'
import { reachedOnLibvirt } from './reach.peer.ts'
import { reachedBySsh } from './ssh.peer.ts'
import { wiredOnLibvirt } from './wired.peer.ts'

/** Parts that are played on one host, in their order. */
const ON_A_HOST: Record<string, (report: Report, host: Libvirtd, longer: boolean) => Promise<void>> = {
  ssh: reachedBySsh,
  adapter: (report, host) => adapterOnLibvirt(report, host),
  boot: bootedOnLibvirt,
  agent: agentOnLibvirt,
  console: consolesOnLibvirt,
  reach: reachedOnLibvirt,
  network: networkedOnLibvirt,
  wired: wiredOnLibvirt,
  adopt: adoptedOnLibvirt,
}
/** Those of them that take turns. */
const TURNS: Record<string, number> = { adapter: 0, wired: 0, agent: 1 }
/** Parts that have hosts of their own, and are played by name alone. */
const APART: Record<string, (report: Report) => Promise<void>> = {
  login: loggedInToLibvirt,
  racks: spreadOnLibvirt,
  killed: killedOnLibvirt,
}

/**
 * A KVM host, whose libvirtd and QEMU are real: the adapter by itself, then what somebody has there and hands over.
 * @param turn null: all of it; else a number by which parts take turns, without what is long
 * @param part the only one that is played, by its name
 */
export const libvirt = async (report: Report, turn: number | null, part?: string): Promise<void> => {
  const names = [...Object.keys(ON_A_HOST), ...Object.keys(APART)]
  if (part !== undefined && !names.includes(part))
    throw new Error(`There is no part ${part}; there are ${names.join(', ')}.`)
  const isWanted = (name: string) => part === undefined || part === name
  const isOn = (half: number) => turn === null || turn % 2 === half
  const lack = await lacking()
  if (lack) return report.step('libvirt', 'a host of its own', 'skipped', 0, lack)
  const here = Object.entries(ON_A_HOST).filter(
    ([name]) => isWanted(name) && (TURNS[name] === undefined || isOn(TURNS[name])),
  )
  const host = here.length ? await launch() : null
  try {
    if (host) await build(host)
    for (const [, play] of here) await play(report, host!, isOn(1))
  } finally {
    await host?.stop()
  }
  if (turn !== null) return
  for (const [name, play] of Object.entries(APART)) if (isWanted(name)) await play(report)
}

/** Machines as people make them: one that runs, with two disks and two cards, and one of somebody else's. */
const build = async ({ virsh, virtInstall, pool }: Libvirtd): Promise<void> => {
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
