import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { finish } from '../support/child.ts'

const CACHE = fileURLToPath(new URL('../../../.cache/peers/libvirt/', import.meta.url))

/** What is in a guest besides Debian's kernel and a busybox. */
export interface Inside {
  /** What it needs of the kernel, besides what that has built in. */
  modules: string[]
  /** Its own files, by their paths; all of them are programs. */
  scripts: Record<string, string>
  /** Packages of Debian, with those that their libraries are in. */
  packages?: string[]
  /** Programs of these packages, by their paths there: they are in `/bin` of the guest. */
  programs?: string[]
}

/** What a guest does first: folders, the kernel's parts, and its power button. */
export const beginning = (modules: string[]): string => `#!/bin/busybox sh
/bin/busybox --install -s /bin 2> /dev/null
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in ${modules.join(' ')}; do modprobe $module; done
mkdir -p /seed /etc/acpi/PWRF
printf '#!/bin/sh\\nsync\\npoweroff -f\\n' > /etc/acpi/PWRF/00000080; chmod +x /etc/acpi/PWRF/00000080
acpid -d > /dev/null 2>&1 &
for i in 1 2 3 4 5 6 7 8 9 10; do
  for disc in /dev/sr* /dev/vd?; do
    [ "$(dd if=$disc bs=1 skip=32808 count=6 2>/dev/null)" = cidata ] && break 2
  done
  sleep 1
done
`

/** On a busy machine an emulated timer is late, which the kernel would take for broken. */
const CONFIG =
  'SERIAL 0 115200\nDEFAULT linux\nLABEL linux\nLINUX vmlinuz\nINITRD initrd\nAPPEND console=ttyS0 quiet panic=0 no_timer_check\n'

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

const copied = async (from: string, to: string): Promise<void> => {
  await mkdir(dirname(to), { recursive: true })
  await copyFile(from, to)
}

/** Copies modules, and those that they need, with the list by which they are found. */
const copyModules = async (from: string, to: string, modules: string[]): Promise<void> => {
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
    modules.flatMap((module) => named(module) ?? []).flatMap((path) => [path, ...needs.get(path)!]),
  )
  for (const path of wanted) await copied(join(from, path), join(to, path))
  await copyFile(join(from, 'modules.dep'), join(to, 'modules.dep'))
}

/** Where libraries of Debian are in a package and in a guest. */
const LIBRARIES = 'lib/x86_64-linux-gnu'
const LOADER = 'ld-linux-x86-64.so.2'

/** Copies a program with the libraries that it names, as the loader among them finds them. */
const copyProgram = async (root: string, tree: string, program: string): Promise<void> => {
  const folders = [join(root, LIBRARIES), join(root, 'usr', LIBRARIES)]
  const [loader = ''] = folders.map((folder) => join(folder, LOADER)).filter(existsSync)
  const from = join(root, program)
  const told = await finish({ command: loader, args: ['--library-path', folders.join(':'), '--list', from] })
  if (told.includes('not found')) throw new Error(`the packages lack libraries of ${program}:\n${told}`)
  for (const [, path] of told.matchAll(/=> (\S+) \(/g)) await copied(path!, join(tree, LIBRARIES, basename(path!)))
  await copied(loader, join(tree, 'lib64', LOADER))
  await copied(from, join(tree, 'bin', basename(program)))
}

/** A small disk that boots Debian's kernel, a busybox and what else is inside, as an image; made once. @returns its path */
export const guestDisk = async (name: string, inside: Inside): Promise<string> => {
  const made = join(CACHE, name)
  if (existsSync(made)) return made
  const { modules, scripts, packages = [], programs = [] } = inside
  const folder = join(CACHE, `${name}-${process.pid}`)
  const tree = join(folder, 'tree')
  for (const each of ['bin', 'proc', 'sys', 'dev', 'etc']) await mkdir(join(tree, each), { recursive: true })
  try {
    await unpacked(folder, [await kernelPackage(), 'busybox-static', ...packages])
    const root = join(folder, 'root')
    const [version = ''] = await readdir(join(root, 'lib/modules'))
    await finish({ command: 'depmod', args: ['-b', root, version] })
    await copyModules(join(root, 'lib/modules', version), join(tree, 'lib/modules', version), modules)
    const busybox = join(root, 'bin/busybox')
    await copyFile(busybox, join(tree, 'bin/busybox'))
    for (const program of programs) await copyProgram(root, tree, program)
    for (const [path, text] of Object.entries(scripts)) {
      await writeFile(join(tree, path), text)
      await chmod(join(tree, path), 0o755)
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
