import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A place where a program reads one file of strangers and writes to one folder: no network, no other file but the system's
 * own programs, no right to change these, limits on all that it takes. It is made of namespaces and limits of the kernel by
 * programs that every Debian has (util-linux), needs no privilege, and ends with the process that asked for it.
 */
export interface Cell {
  /** A folder of this run's own. */
  work: string
  /** What is `/in` inside. */
  input: string
  /** Where programs are looked for; absent: where systems have them. */
  paths?: string[]
}

/** What a run may take. */
export interface Allowance {
  cpuSeconds: number
  /** Of address space, in bytes. */
  memory: number
  /** Of the largest file that it writes, in bytes. */
  file: number
  /** In milliseconds, whatever it does. */
  time: number
}

/** How a run ended. */
export interface Ended {
  /** Null: a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
  /** It took longer than it may. */
  late: boolean
  /** The end of what it said of errors. */
  errors: string
}

/** Where programs are looked for, outside and inside: inside there is nothing else. */
export const PATHS = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin']

/** Folders of the system that are seen inside. */
export const ROOTS = ['usr', 'bin', 'lib', 'lib32', 'lib64', 'libx32', 'sbin']

/**
 * Runs as the first process of fresh namespaces: root, input and work folder are its arguments, then the program. All mounts are made for
 * reading, those of before are let go of, then every capability is.
 */
const SCRIPT = `set -eu
root=$1 in=$2 out=$3
shift 3
unwritten() {
  mount --bind "$1" "$root$2"
  mount -o "remount,bind,$(findmnt -n -o VFS-OPTIONS --mountpoint "$root$2" | sed 's/^rw/ro/')" "$root$2"
}
mount -t tmpfs -o size=1m,mode=700,nosuid tmpfs "$root"
for each in ${ROOTS.join(' ')}; do
  if [ -L "/$each" ]; then cp -P "/$each" "$root/$each"
  elif [ -d "/$each" ]; then mkdir "$root/$each"; unwritten "/$each" "/$each"; fi
done
mkdir "$root/out" "$root/old" "$root/dev"
: > "$root/in"
: > "$root/dev/null"
unwritten "$in" /in
mount --bind /dev/null "$root/dev/null"
mount --bind "$out" "$root/out"
cd "$root"
pivot_root . old
cd /
ln -s old/proc /proc
umount -l /old
rm /proc
rmdir /old
mount -o remount,ro /
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all -- nice -n 10 "$@"
`

const NAMESPACES = ['--user', '--map-root-user', '--net', '--ipc', '--uts', '--mount', '--pid', '--fork']
const LAST_WORDS = 4_000

/**
 * Runs a program in a cell; gives how it ended. What it writes to `/out` is in the folder `out` of the work folder.
 * @param heard gets what it says, in pieces
 * @param running gets the way to end it
 */
export const runInCell = async (
  { work, input, paths = PATHS }: Cell,
  program: string[],
  { cpuSeconds, memory, file, time }: Allowance,
  {
    heard = () => {},
    running = () => {},
  }: { heard?: (text: string) => void; running?: (end: () => void) => void } = {},
): Promise<Ended> => {
  const [root, out] = [join(work, 'root'), join(work, 'out')]
  for (const folder of [root, out]) await mkdir(folder, { recursive: true, mode: 0o700 })
  const limits = [`--cpu=${cpuSeconds}`, `--as=${memory}`, `--fsize=${file}`, '--nofile=64', '--core=0']
  const apart = ['setpriv', '--pdeathsig=KILL', 'unshare', ...NAMESPACES, '--kill-child=KILL', '--']
  const child = spawn(
    'prlimit',
    [...limits, '--', ...apart, '/bin/sh', '-c', SCRIPT, 'sh', root, input, out, ...program],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: '/',
      env: { PATH: paths.join(':'), LC_ALL: 'C', MALLOC_ARENA_MAX: '2' },
    },
  )
  running(() => child.kill('SIGKILL'))
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, time)
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', heard)
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-LAST_WORDS)
  })
  try {
    const [code, signal] = await ended(child)
    return { code, signal, late, errors }
  } finally {
    clearTimeout(timer)
  }
}

const ended = (child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> =>
  new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve([code, signal]))
  })
