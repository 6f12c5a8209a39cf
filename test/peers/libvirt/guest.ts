import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { finish } from '../support/child.ts'

const CACHE = fileURLToPath(new URL('../../../.cache/peers/libvirt/', import.meta.url))
const FILE = 'guest-3.qcow2'

/** What a guest of ours needs of the kernel, besides what that has built in. */
const MODULES = ['virtio_pci', 'virtio_blk', 'virtio_scsi', 'sr_mod', 'isofs', 'virtio_net', 'button', 'evdev']

/** Looks for its seed by the label of NoCloud, runs what that says, and stays. */
const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in ${MODULES.join(' ')}; do modprobe $module; done
mkdir -p /seed /etc/acpi/PWRF
printf '#!/bin/sh\\nsync\\npoweroff -f\\n' > /etc/acpi/PWRF/00000080; chmod +x /etc/acpi/PWRF/00000080
acpid -d > /dev/null 2>&1 &
for i in 1 2 3 4 5 6 7 8 9 10; do
  for disc in /dev/sr* /dev/vd?; do
    [ "$(dd if=$disc bs=1 skip=32808 count=6 2>/dev/null)" = cidata ] && break 2
  done
  sleep 1
done
mount -t iso9660 -o ro "$disc" /seed && sh /seed/user-data
echo "guest: what its seed says is done"
while :; do sleep 3600; done
`

/** Prints what nobody but a guest that runs with this seed, this card and this much memory can print. */
const PROVE = `#!/bin/sh
mac=$(cat /sys/class/net/eth0/address 2>/dev/null)
memory=$(sed -n 's/MemTotal: *//p' /proc/meminfo)
echo "guest: proof $(printf '%s' "$1$mac$memory" | sha256sum | cut -d' ' -f1) of mac=$mac memory=$memory"
`

const CONFIG =
  'SERIAL 0 115200\nDEFAULT linux\nLABEL linux\nLINUX vmlinuz\nINITRD initrd\nAPPEND console=ttyS0 quiet panic=0\n'

/** Unpacks packages of Debian into a folder, without installing them. */
const unpacked = async (folder: string, packages: string[]): Promise<void> => {
  await finish({ command: 'apt-get', args: ['-qq', 'download', ...packages], cwd: folder })
  for (const name of await readdir(folder))
    if (name.endsWith('.deb'))
      await finish({ command: 'dpkg-deb', args: ['-x', join(folder, name), join(folder, 'root')] })
}

/** The package with the kernel that the one without a version stands for. */
const kernelPackage = async (): Promise<string> => {
  const told = await finish({ command: 'apt-cache', args: ['depends', 'linux-image-cloud-amd64'] })
  return /Depends: (linux-image-\S+)/.exec(told)?.[1] ?? Promise.reject(new Error('there is no kernel for clouds'))
}

/** Copies modules, and those that they need, with the list by which they are found. */
const copyModules = async (from: string, to: string): Promise<void> => {
  const list = await readFile(join(from, 'modules.dep'), 'utf8')
  const needs = new Map(
    list
      .split('\n')
      .map((line) => line.split(':'))
      .map(([path = '', more = '']) => [path, more.split(' ').filter(Boolean)]),
  )
  const named = (module: string) =>
    [...needs.keys()].find((path) => new RegExp(`/${module}\\.ko(\\.xz|\\.zst)?$`).test(path))
  const wanted = new Set(
    MODULES.flatMap((module) => named(module) ?? []).flatMap((path) => [path, ...needs.get(path)!]),
  )
  for (const path of wanted) {
    await mkdir(dirname(join(to, path)), { recursive: true })
    await copyFile(join(from, path), join(to, path))
  }
  await copyFile(join(from, 'modules.dep'), join(to, 'modules.dep'))
}

/** A small disk that boots Debian's kernel and a busybox, as an image; made once. @returns its path */
export const guestImage = async (): Promise<string> => {
  const made = join(CACHE, FILE)
  if (existsSync(made)) return made
  const folder = join(CACHE, `guest-${process.pid}`)
  const tree = join(folder, 'tree')
  for (const name of ['bin', 'proc', 'sys', 'dev', 'etc']) await mkdir(join(tree, name), { recursive: true })
  try {
    await unpacked(folder, [await kernelPackage(), 'busybox-static'])
    const root = join(folder, 'root')
    const [version = ''] = await readdir(join(root, 'lib/modules'))
    await finish({ command: 'depmod', args: ['-b', root, version] })
    await copyModules(join(root, 'lib/modules', version), join(tree, 'lib/modules', version))
    const busybox = join(root, 'bin/busybox')
    await copyFile(busybox, join(tree, 'bin/busybox'))
    for (const [name, text] of [
      ['init', INIT],
      ['bin/prove', PROVE],
    ] as const) {
      await writeFile(join(tree, name), text)
      await chmod(join(tree, name), 0o755)
    }
    const packed = `cd ${tree} && find . | ${busybox} cpio -o -H newc 2>/dev/null | gzip -1 > ${folder}/initrd`
    await finish({ command: 'sh', args: ['-c', packed] })
    const disk = join(folder, 'disk')
    await writeFile(join(folder, 'syslinux.cfg'), CONFIG)
    await finish({ command: 'truncate', args: ['-s', '64M', disk] })
    await finish({ command: 'mformat', args: ['-i', disk, '-T', String(131_072), '-h', '16', '-s', '63', '::'] })
    const files = [join(folder, 'initrd'), join(folder, 'syslinux.cfg')]
    await finish({ command: 'mcopy', args: ['-i', disk, ...files, '::'] })
    await finish({ command: 'mcopy', args: ['-i', disk, join(root, `boot/vmlinuz-${version}`), '::vmlinuz'] })
    await finish({ command: 'syslinux', args: ['--install', disk] })
    await finish({ command: 'qemu-img', args: ['convert', '-c', '-O', 'qcow2', disk, `${made}.new`] })
    await rename(`${made}.new`, made)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return made
}
