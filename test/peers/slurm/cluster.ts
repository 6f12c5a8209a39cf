import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { type Child, finish, freePort, launch } from '../support/child.ts'
import { patiently } from '../support/patiently.ts'

/** A controller of Slurm with power saving, with a munge of its own, all on loopback and in one folder. */
export interface Cluster {
  /** Runs one of Slurm's programs; gives what it said. */
  say(command: string, ...args: string[]): Promise<string>
  /** The daemon of a node, as its machine would start it. */
  startNode(name: string): Child
  tail(): string
  stop(): Promise<void>
}

export interface Partition {
  name: string
  nodes: string[]
  /** How long a node may take to come, in seconds. */
  patience: number
}

/** Nodes idle for so long are suspended, in seconds. */
const IDLE_S = 5

/** @param conf lines of slurm.conf that stand before ours, of which Slurm takes the last */
export const startCluster = async (folder: string, conf: string[], partitions: Partition[]): Promise<Cluster> => {
  for (const name of ['state', 'spool']) await mkdir(join(folder, name), { recursive: true })
  const socket = join(folder, 'munge.socket')
  const key = join(folder, 'munge.key')
  await writeFile(key, randomBytes(128), { mode: 0o400 })
  const file = join(folder, 'slurm.conf')
  const nodes = partitions.flatMap((partition) => partition.nodes)
  const ports = await Promise.all(nodes.map(() => freePort()))
  const own = [
    'ClusterName=plimsoll',
    `SlurmctldHost=${hostname().split('.')[0]}(127.0.0.1)`,
    `SlurmctldPort=${await freePort()}`,
    'AuthType=auth/munge',
    // How long a job whose node failed waits before it is tried again follows from this.
    `AuthInfo=socket=${socket},cred_expire=5`,
    `SlurmUser=${userInfo().username}`,
    `SlurmdUser=${userInfo().username}`,
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool/%n`,
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmdPidFile=${folder}/slurmd.%n.pid`,
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_Core',
    'MpiDefault=none',
    `SuspendTime=${IDLE_S}`,
    'SuspendTimeout=30',
    'ResumeRate=0',
    'SuspendRate=0',
    ...nodes.map((name, n) => `NodeName=${name} CPUs=1 RealMemory=100 State=CLOUD Port=${ports[n]}`),
    ...partitions.map(
      ({ name, nodes, patience }, n) =>
        `PartitionName=${name} Nodes=${nodes.join(',')} ResumeTimeout=${patience} Default=${n ? 'NO' : 'YES'} MaxTime=INFINITE State=UP`,
    ),
  ]
  const faster = conf.map((line) => line.replace(/^(SlurmctldParameters=.*)$/, '$1,power_save_interval=2'))
  await writeFile(file, `${[...faster, ...own].join('\n')}\n`)
  const env = { SLURM_CONF: file, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

  const at = (name: string) => join(folder, name)
  const munge = launch({
    command: 'munged',
    args: [
      // It finds folders that others can write to unsafe, as those of temporary files are.
      ...['--foreground', '--force', `--key-file=${key}`, `--socket=${socket}`],
      ...[`--pid-file=${at('munged.pid')}`, `--log-file=${at('munged.log')}`, `--seed-file=${at('munged.seed')}`],
    ],
    env,
  })
  const controller = launch({ command: 'slurmctld', args: ['-D', '-f', file], env })
  const say: Cluster['say'] = (command, ...args) => finish({ command, args, env })
  const cluster: Cluster = {
    say,
    startNode: (name) => launch({ command: 'slurmd', args: ['-D', '-b', '-N', name, '-f', file], env, group: true }),
    tail: () => `${munge.tail(5)}\n${controller.tail(40)}`,
    async stop() {
      await controller.stop()
      await munge.stop()
    },
  }
  await patiently(() => say('scontrol', 'ping'), 30_000).catch(async (error) => {
    await cluster.stop()
    throw new Error(`${error}\n${cluster.tail()}`)
  })
  return cluster
}
