import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { finish, launch as start } from '../support/child.ts'
import { lackOf } from '../support/debian.ts'
import { patience } from '../support/patiently.ts'

const CACHE = fileURLToPath(new URL('../../../.cache/peers/libvirt/', import.meta.url))
const WITHIN_MS = 60_000

/** Programs of Debian, by the packages that bring them. */
const PROGRAMS = {
  libvirtd: 'libvirt-daemon-system',
  virsh: 'libvirt-clients',
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  'virt-install': 'virtinst',
  dnsmasq: 'dnsmasq-base',
  iptables: 'iptables',
  mcopy: 'mtools',
  syslinux: 'syslinux',
  depmod: 'kmod',
  sshd: 'openssh-server',
  'ssh-keygen': 'openssh-client',
  nc: 'netcat-openbsd',
}

/** Why no host can be had here; null: one can. */
export const lacking = async (): Promise<string | null> => {
  if (process.getuid?.() !== 0) return 'a libvirtd with networks needs root'
  for (const [program, debianPackage] of Object.entries(PROGRAMS)) {
    const lack = await lackOf(program, debianPackage)
    if (lack) return lack
  }
  return null
}

/** A real libvirtd with QEMU, alone with its folders, its network and its processes. */
export interface Libvirtd {
  uri: string
  /** A pool in which somebody keeps their disks. */
  pool: string
  /** What an operator types on the host; gives what it prints. */
  virsh(...args: string[]): Promise<string>
  /** Words before a command that bring it to where the host's own network is. */
  entering: string[]
  /** Runs a program there. */
  inside(...command: string[]): Promise<string>
  /** The words in front of a command that runs it on the host, as its root. */
  on: string[]
  /** Makes and starts a machine as people do. */
  virtInstall(...args: string[]): Promise<string>
  stop(): Promise<void>
}

/**
 * Folders of the system are its own ones here, and so are network and processes, which end with it. The shell stays: it
 * takes leave of orphans, for which libvirtd would wait half a minute each, and stays when libvirtd goes. Guests are emulated: it does not see whether the
 * machine could do more, as QEMU's user may not open what is there: were it something else, libvirtd would ask QEMU anew each time. Where
 * the loopback has the only address, nobody can listen: a name of it is looked up as one of a family that is not there.
 */
const SCRIPT = `
set -e
for name in etc lib run cache log; do
  case $name in etc) at=/etc/libvirt;; run) at=/run/libvirt;; *) at=/var/$name/libvirt;; esac
  mkdir -p "$at"
  mount --bind "$0/$name" "$at"
done
mknod "$0/no-kvm" c 1 3
chmod 600 "$0/no-kvm"
[ ! -e /dev/kvm ] || mount --bind "$0/no-kvm" /dev/kvm
ip link set lo up
ip link add br9 type bridge
ip link set br9 up
[ -z "$1" ] || ip addr add 192.0.2.1/24 dev br9
virtlogd -d --pid-file /run/libvirt/virtlogd.pid
SASL_CONF_PATH=/etc/libvirt/sasl libvirtd $1 --pid-file /run/libvirt/libvirtd.pid &
sleep infinity &
wait
`
const CONFIG = 'auth_unix_rw = "none"\nauth_unix_ro = "none"\nunix_sock_group = "root"\n'
const APART = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private']

/** What a libvirtd is told that listens on a port as well. */
export interface Listening {
  /** Lines for its `libvirtd.conf`. */
  config: string
  /** Puts what those name into its folder of settings, which is `/etc/libvirt` for it. */
  prepare(folder: string): Promise<unknown>
}

/** @throws with its last words if it does not come up */
export const launch = async (listening: Listening | null = null): Promise<Libvirtd> => {
  const folder = await mkdtemp(join(tmpdir(), 'libvirt-'))
  // QEMU runs as somebody else.
  await chmod(folder, 0o755)
  const pool = join(folder, 'disks')
  for (const name of ['lib', 'run', 'log', 'disks']) await mkdir(join(folder, name), { mode: 0o755 })
  // What QEMU can do is asked of it once, which takes long.
  const cache = `${CACHE}capabilities`
  await mkdir(cache, { recursive: true })
  await finish({ command: 'cp', args: ['-a', '/etc/libvirt', join(folder, 'etc')] })
  await finish({ command: 'cp', args: ['-a', cache, join(folder, 'cache')] })
  await writeFile(join(folder, 'etc/libvirtd.conf'), CONFIG + (listening?.config ?? ''))
  await listening?.prepare(join(folder, 'etc'))
  const child = start({ command: 'unshare', args: [...APART, 'sh', '-c', SCRIPT, folder, listening ? '--listen' : ''] })
  const socket = join(folder, 'run/libvirt-sock')
  const uri = `qemu+unix:///system?socket=${socket}`
  const env = { LIBVIRT_DEFAULT_URI: uri, HOME: folder, LC_ALL: 'C' }
  const virsh = (...args: string[]) => finish({ command: 'virsh', args: ['--quiet', ...args], env })
  const stop = async () => {
    await child.kill()
    await finish({ command: 'cp', args: ['-a', '-u', `${join(folder, 'cache')}/.`, cache] }).catch(() => {})
    await rm(folder, { recursive: true, force: true })
  }
  try {
    for (const isOver = patience(WITHIN_MS); ; await new Promise((resolve) => setTimeout(resolve, 200))) {
      if (existsSync(socket) && (await virsh('uri').catch(() => null))) break
      if (isOver() || child.process.exitCode !== null) throw new Error(`libvirtd does not come up:\n${child.tail()}`)
    }
    await virsh('net-start', 'default')
    await virsh('pool-define-as', 'disks', 'dir', '--target', pool)
    await virsh('pool-start', 'disks')
  } catch (error) {
    await stop()
    throw error
  }
  const { pid } = child.process
  // What `unshare` started: only that is in the list of processes that ends with it.
  const [first = ''] = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ')
  const entering = ['nsenter', '-t', String(pid), '-n']
  const [enter = '', ...there] = entering
  return {
    uri,
    pool: 'disks',
    on: ['nsenter', '-t', first, '-m', '-n', '-p'],
    virsh,
    entering,
    inside: (...command) => finish({ command: enter, args: [...there, ...command] }),
    virtInstall: (...args) => finish({ command: 'virt-install', args, env }),
    stop,
  }
}
