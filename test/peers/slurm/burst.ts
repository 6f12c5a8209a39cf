import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { NEUTRON, NOVA } from '../mixed/place.ts'
import { installClient } from '../openstackclient/client.ts'
import {
  AWAY,
  drawn,
  forget,
  type Ground,
  HOME,
  IMAGE_NAME,
  layGround,
  layNetwork,
  markHome,
  prefer,
  settle,
} from '../span/ground.ts'
import { agree } from '../span/standing.ts'
import { type Api, logIn } from '../support/api.ts'
import { type Broker, type Runtime, startBroker } from '../support/broker.ts'
import { cloudsOf, pageFor, writeFiles } from '../support/page.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { type Cluster, type Partition, startCluster } from './cluster.ts'
import { watchMachines } from './machines.ts'

/** A job array over home and away, a node that never comes, and clouds without room; nothing is left of any. */
export const burst = async (report: Report, runtime: Runtime, long: boolean): Promise<void> => {
  const story = `${runtime} × slurm`
  const ends: (() => unknown)[] = []
  const started = Date.now()
  let cluster: Cluster | undefined
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const fault = await run().then(
      () => '',
      (error) => String(error instanceof Error ? error.message : error),
    )
    report.step(story, title, fault ? 'failed' : 'passed', Date.now() - from, fault)
    if (!fault) return
    console.log(`last words of ${story}:\n${cluster?.tail()}`)
    // The next step begins with a cluster that has nothing to do.
    await cluster?.say('scancel', '--user', userInfo().username)
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'plimsoll-slurm-'))
    ends.push(() => rm(folder, { recursive: true, force: true }))
    const broker = await startBroker(runtime)
    ends.push(() => broker.stop())
    const ground = await layGround()
    ends.push(() => ground.stop())
    const people = { broker, admin: await logIn(broker, 'admin'), demo: await logIn(broker, 'demo') }
    const { demo } = people
    const cron = setInterval(() => void broker.cron().catch(() => {}), 5_000)
    ends.push(() => clearInterval(cron))
    await settle(people, ground)
    await prefer(people, [HOME, AWAY])
    await makeCommon(demo, ground)

    const nodes = Array.from({ length: long ? 8 : 4 }, (_, n) => `burst${n + 1}`)
    const partitions: Partition[] = [
      { name: 'burst', nodes, patience: 150 },
      { name: 'late', nodes: ['late1'], patience: 40 },
    ]
    const slurm = await prepared(folder, broker, demo, partitions)
    cluster = slurm
    ends.push(() => slurm.stop())
    const machines = watchMachines(demo, slurm)
    ends.push(() => machines.stop())
    report.step(story, 'two clouds, and a controller with the programs of the page', 'passed', Date.now() - started)

    const heal = async () => {
      await ground.heal()
      await forget(people)
    }
    const comes = (home: number, away: number) =>
      patiently(async () => assert.deepEqual(await ground.census(), { [HOME]: home, [AWAY]: away }), 150_000)
    const goes = () =>
      patiently(async () => {
        assert.deepEqual(await ground.census(), { [HOME]: 0, [AWAY]: 0 })
        assert.deepEqual((await demo.must('GET', NOVA)).servers, [])
      }, 150_000)
    const done = join(folder, 'done')
    const finished = async (tasks: number) =>
      patiently(async () => assert.equal((await readdir(done)).length, tasks), 200_000)
    /** Tasks that wait for a word, so that each holds its node until then. */
    const submit = async (tasks: number, word: string, ...more: string[]): Promise<void> => {
      await rm(done, { recursive: true, force: true })
      await mkdir(done)
      const task = `until [ -e ${folder}/${word} ]; do sleep 0.2; done; touch ${done}/$SLURM_ARRAY_TASK_ID`
      await slurm.say(
        'sbatch',
        ...[`--array=1-${tasks}`, '--chdir', folder, '--output', '/dev/null', ...more, `--wrap=${task}`],
      )
    }

    const home = drawn(1, nodes.length - 2)
    const room = nodes.length + drawn(0, 4)
    const tasks = nodes.length * 2 + drawn(1, 3)
    const mark = (home + 0.5) / room
    await step(
      `home is for ${home} of ${nodes.length} nodes by its mark, and an array of ${tasks} tasks runs over both`,
      async () => {
        await markHome(people, mark, room)
        await submit(tasks, 'go')
        await comes(home, nodes.length - home)
        await agree(demo, ground)
        await writeFile(join(folder, 'go'), '')
        await finished(tasks)
      },
    )
    await step('idle nodes are suspended, and their servers go', goes)
    await step('a machine comes and its daemon never does: it is deleted, and the job runs on the next', async () => {
      machines.mute.add('late1')
      await submit(1, 'late', '--partition=late')
      await writeFile(join(folder, 'late'), '')
      const [first] = await patiently(async () => {
        const came = machines.came.get('late1')
        assert.ok(came)
        return came
      }, 150_000)
      await patiently(async () => assert.equal((await demo.call('GET', `${NOVA}/${first}`)).status, 404), 150_000)
      machines.mute.clear()
      await finished(1)
      await goes()
    })

    if (long)
      await step('neither has room: the node is powered down, and comes when one has', async () => {
        await ground.refuse(HOME, 10_000)
        await ground.refuse(AWAY, 10_000)
        await submit(1, 'room')
        await writeFile(join(folder, 'room'), '')
        await patiently(async () => {
          const { servers } = await demo.must('GET', `${NOVA}/detail?status=ERROR`)
          assert.equal(servers.length, 1)
        }, 60_000)
        await goes()
        await heal()
        await finished(1)
        await goes()
      })

    await step('nothing is left on either cloud when what nodes have in common is deleted', async () => {
      await deleteCommon(demo)
      await patiently(async () => {
        await broker.cron()
        assert.deepEqual(await ground.leftovers(), [])
      }, 60_000)
    })
  } catch (error) {
    report.step(story, 'two clouds, and a controller with the programs of the page', 'failed', 0, String(error))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** The network, key and group of all nodes, under the names that the page gives them. */
const makeCommon = async (demo: Api, ground: Ground): Promise<void> => {
  await layNetwork(demo, 'hpc', ground)
  await demo.must('POST', `${NEUTRON}/security-groups`, { security_group: { name: 'slurm' } })
  await demo.must('POST', '/compute/v2.1/os-keypairs', { keypair: { name: 'slurm' } })
}

const deleteCommon = async (demo: Api): Promise<void> => {
  for (const [kind, filter] of [
    ['subnets', ''],
    ['segments', ''],
    ['networks', '?name=hpc'],
    ['security-groups', '?name=slurm'],
  ]) {
    const found = await demo.must('GET', `${NEUTRON}/${kind}${filter}`)
    for (const { id } of found[kind!.replace('-', '_')]) await demo.must('DELETE', `${NEUTRON}/${kind}/${id}`)
  }
  await demo.must('DELETE', '/compute/v2.1/os-keypairs/slurm')
}

/** The page's files, with where this broker is and what this cloud has, and the controller that calls them. */
const prepared = async (folder: string, broker: Broker, demo: Api, partitions: Partition[]): Promise<Cluster> => {
  const { application_credential: login } = await demo.must(
    'POST',
    `/identity/v3/users/${demo.userId}/application_credentials`,
    { application_credential: { name: 'slurm' } },
  )
  const page = await pageFor('slurm.md', '/etc/slurm/burst', folder)
  const files = page.files(['settings', 'resume', 'suspend', 'resume-fail', 'clouds.yaml', 'user-data'])
  const settings = files.settings
    .replace('PATH=', `PATH=${folder}:`)
    .replace('IMAGE=slurm-node', `IMAGE=${IMAGE_NAME}`)
    .replace('LOCKS=/run/lock', `LOCKS=${folder}`)
  await writeFiles(folder, { ...files, settings, 'clouds.yaml': cloudsOf(files['clouds.yaml'], broker.url, login) })
  // Nodes and partitions are ours: each node has a port of this machine.
  const conf = page
    .block('## slurm.conf')
    .split('\n')
    .filter((line) => line && !/^(Node|Partition)Name=/.test(line))
  await installClient(folder)
  return startCluster(folder, conf, partitions)
}
