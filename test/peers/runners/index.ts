import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, NEUTRON, NOVA } from '../mixed/place.ts'
import { installClient } from '../openstackclient/client.ts'
import { type Api, logIn } from '../support/api.ts'
import { type Broker, RUNTIMES, startBroker } from '../support/broker.ts'
import { cloudsOf, pageFor, writeFiles } from '../support/page.ts'
import type { Report } from '../support/report.ts'

const [SYSTEM, BUILD] = ['3', '4']
const FILES = ['settings', 'prepare', 'run', 'cleanup', 'queued', 'sweep'] as const

/**
 * No cloud here has guests: a shell of this machine stands for that of the server, once it was named by its address.
 * Options and the name are ssh's, the rest is run.
 */
const SSH = `#!/bin/sh
echo "$@" >>"$(dirname "$0")/ssh.log"
while [ $# -gt 0 ]; do
  case $1 in
    -o) shift 2 ;;
    *@*) shift; break ;;
  esac
done
exec "$@"
`

/** The programs of docs/runners.md, word for word, called as GitLab's custom executor and GitHub's webhook call them. */
export const runners = async (report: Report, turn: number): Promise<void> => {
  const runtime = RUNTIMES[turn % RUNTIMES.length]!
  const story = `${runtime} × runners`
  const started = Date.now()
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-runners-'))
  let broker: Broker | undefined
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const fault = await run().then(
      () => '',
      (error) => String(error instanceof Error ? error.message : error),
    )
    report.step(story, title, fault ? 'failed' : 'passed', Date.now() - from, fault)
    if (fault) console.log(`last words of the broker of ${story}:\n${broker?.tail(20)}`)
  }
  try {
    broker = await startBroker(runtime)
    const { url } = broker
    const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
    await prepared(folder, url, demo)
    report.step(story, 'the programs of the page', 'passed', Date.now() - started)
    const call = async (program: string, job: string, ...args: string[]): Promise<number> => {
      const env = { CUSTOM_ENV_CI_JOB_ID: job, SYSTEM_FAILURE_EXIT_CODE: SYSTEM, BUILD_FAILURE_EXIT_CODE: BUILD }
      const child = spawn(join(folder, program), args, { env, stdio: 'ignore', timeout: 600_000 })
      return new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => resolve(code ?? -1)))
    }
    const serversOf = async (name: string) =>
      (await demo.must('GET', `${NOVA}/detail?name=${encodeURIComponent(`^${name}$`)}`)).servers
    const gone = async (name: string) => {
      assert.deepEqual(await serversOf(name), [])
      assert.deepEqual((await demo.must('GET', `${NEUTRON}/ports?device_owner=compute:nova`)).ports, [])
    }

    await step('a job of GitLab has a server of its own, with a lease, that goes with it', async () => {
      assert.equal(await call('prepare', '7'), 0)
      const [server] = await serversOf('gitlab-7')
      assert.equal(server.status, 'ACTIVE')
      assert.ok(server.metadata['plimsoll:lease_ends_at'], JSON.stringify(server.metadata))
      const script = join(folder, 'script')
      await writeFile(script, `echo $((6 * 7)) >${folder}/built\n`)
      assert.equal(await call('run', '7', script, 'build_script'), 0)
      assert.equal(await readFile(join(folder, 'built'), 'utf8'), '42\n')
      const asked = (await readFile(join(folder, 'ssh.log'), 'utf8')).trim().split('\n')
      const { addr } = server.addresses.ci[0]
      for (const words of asked) assert.match(words, new RegExp(`ci@${addr} `))
      await writeFile(script, 'false\n')
      assert.equal(await call('run', '7', script, 'build_script'), Number(BUILD))
      assert.equal(await call('cleanup', '7'), 0)
      await gone('gitlab-7')
      assert.equal(await call('cleanup', '7'), 0, 'once more does no harm')
    })

    await step('where there is no server the failure is not the job’s, and nothing is left', async () => {
      const quota = (instances: number) =>
        admin.must('PUT', `/compute/v2.1/os-quota-sets/${demo.projectId}`, { quota_set: { instances } })
      await quota(0)
      assert.equal(await call('prepare', '8'), Number(SYSTEM))
      assert.equal(await call('cleanup', '8'), 0)
      await quota(10)
      await gone('gitlab-8')
    })

    await step('a job of GitHub has a server that is told of it, and is swept when it is off', async () => {
      assert.equal(await call('queued', '', 'one', 'the-jit-config'), 0)
      const [{ id }] = await serversOf('github-one')
      assert.equal(await call('sweep', ''), 0)
      assert.equal((await serversOf('github-one')).length, 1, 'one that is at work stays')
      assert.match(Buffer.from(await userDataOf(url, admin, id), 'base64').toString(), /--jitconfig the-jit-config/)
      await demo.must('POST', `${NOVA}/${id}/action`, { 'os-stop': null })
      await eventually(
        async () => (await demo.must('GET', `${NOVA}/${id}`)).server.status,
        (status) => status === 'SHUTOFF',
      )
      assert.equal(await call('sweep', ''), 0)
      await gone('github-one')
    })
  } catch (error) {
    report.step(story, 'the programs of the page', 'failed', Date.now() - started, String(error))
  } finally {
    await broker?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** What a server was told, which administrators see from 2.3 on. */
const userDataOf = async (url: string, { token }: Api, id: string): Promise<string> => {
  const headers = { 'X-Auth-Token': token, 'OpenStack-API-Version': 'compute 2.3' }
  const { server } = (await (await fetch(`${url}${NOVA}/${id}`, { headers })).json()) as {
    server: Record<string, string>
  }
  return server['OS-EXT-SRV-ATTR:user_data'] ?? ''
}

/** What the page has made beforehand, and its files with where this broker is. */
const prepared = async (folder: string, url: string, demo: Api): Promise<void> => {
  const { network } = await demo.must('POST', `${NEUTRON}/networks`, { network: { name: 'ci' } })
  await demo.must('POST', `${NEUTRON}/subnets`, {
    subnet: { network_id: network.id, ip_version: 4, cidr: '10.76.0.0/24' },
  })
  await demo.must('POST', `${NEUTRON}/security-groups`, { security_group: { name: 'ci' } })
  await demo.must('POST', '/compute/v2.1/os-keypairs', { keypair: { name: 'ci' } })
  const { application_credential: login } = await demo.must(
    'POST',
    `/identity/v3/users/${demo.userId}/application_credentials`,
    { application_credential: { name: 'runners' } },
  )
  const files = (await pageFor('runners.md', '/etc/runners', folder)).files(FILES)
  const { 'clouds.yaml': clouds } = (await pageFor('slurm.md', '', '')).files(['clouds.yaml'])
  const settings = files.settings.replace('PATH=', `PATH=${folder}:`).replace('IMAGE=ci', 'IMAGE=sandbox-linux')
  const cloud = cloudsOf(clouds, url, login).replace('  slurm:', '  runners:')
  await writeFiles(folder, { ...files, settings, ssh: SSH, 'clouds.yaml': cloud })
  await installClient(folder)
}
