import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NOVA } from '../mixed/place.ts'
import { type Api, logInAs } from '../support/api.ts'
import { ROOT } from '../support/broker.ts'
import { answering, finish, freePort, launch } from '../support/child.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'

/** So many servers are asked for at once, by turns of both isolates. */
const MANY = 32
const ISOLATES = ['one', 'two'] as const
const WRANGLER = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')
const PASSWORDS = { admin: 'isolates-admin-password', demo: 'isolates-demo-password' }

/** Hands what is for `/at/one` to one of them, and what is for `/at/two` to the other. */
const FRONT = `export default {
  fetch(request, env) {
    const url = new URL(request.url)
    const [, which, path] = /^\\/at\\/(one|two)(\\/.*)$/.exec(url.pathname) ?? []
    if (!which) return new Response('nobody', { status: 404 })
    url.pathname = path
    return env[which].fetch(new Request(url, request))
  },
}`
const FRONT_TOML = `name = "front"
main = "front.js"
compatibility_date = "2026-09-18"
${ISOLATES.map((name) => `[[services]]\nbinding = "${name}"\nservice = "${name}"\n`).join('')}`

/** The Worker as it is deployed, under another name: the databases are the same, and there is no queue, cron or console. */
const tomlOf = (name: string, deployed: string): string =>
  deployed
    .replace('name = "plimsoll"', `name = "${name}"`)
    .replace(/^\[\[(queues\.\w+|r2_buckets)\]\]\n(?:[^[\n].*\n|\n)*/gm, '')
    .replace(/^\[(triggers|build|assets)\]\n(?:[^[\n].*\n)*/gm, '')
    .replace(/"(functions\/runtime\/worker\.ts|db\/migrations|db\/cloud-state)"/g, (_, path) => `"${join(ROOT, path)}"`)
    .replace('"./node_modules/', `"${join(ROOT, 'node_modules')}/`)

const start = async (folder: string) => {
  const deployed = await readFile(join(ROOT, 'wrangler.toml'), 'utf8')
  const files: Record<string, string> = {
    'front.js': FRONT,
    'front.toml': FRONT_TOML,
    ...Object.fromEntries(ISOLATES.map((name) => [`${name}.toml`, tomlOf(name, deployed)])),
    '.dev.vars': [
      `PLIMSOLL_ADMIN_PASSWORD=${PASSWORDS.admin}`,
      `PLIMSOLL_DEMO_PASSWORD=${PASSWORDS.demo}`,
      `PLIMSOLL_SECRET_KEY=${'6c'.repeat(32)}`,
      'PLIMSOLL_SANDBOX=on',
    ].join('\n'),
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 })
  const env = { CI: 'true', WRANGLER_SEND_METRICS: 'false', NO_COLOR: '1', XDG_CONFIG_HOME: join(folder, 'config') }
  const state = ['--persist-to', join(folder, 'state')]
  const wrangler = (...args: string[]) => ({
    command: process.execPath,
    args: [WRANGLER, ...args, ...state],
    cwd: folder,
    env,
  })
  for (const database of ['DB', 'CLOUD_STATE'])
    await finish(wrangler('d1', 'migrations', 'apply', database, '--local', '-c', 'one.toml'))
  const port = await freePort()
  const configs = ['front.toml', 'one.toml', 'two.toml'].flatMap((file) => ['-c', file])
  const listening = ['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(await freePort())]
  const child = launch({
    ...wrangler('dev', ...configs, ...listening, '--show-interactive-dev-session=false'),
    group: true,
  })
  const url = `http://127.0.0.1:${port}/at`
  await answering(child, `${url}/one/healthz`)
  await answering(child, `${url}/two/healthz`)
  return { url, child }
}

/** A server as the embedded cloud itself remembers it, by its own database alone. */
const machines = async (folder: string): Promise<number> => {
  const command = `select count(*) as n from cloud_state where value ->> '$.kind' = 'server' and value ->> '$.goneAt' is null`
  const said = await finish({
    command: process.execPath,
    args: [
      WRANGLER,
      'd1',
      'execute',
      'CLOUD_STATE',
      '--local',
      '-c',
      'one.toml',
      '--json',
      '--persist-to',
      join(folder, 'state'),
      '--command',
      command,
    ],
    cwd: folder,
    env: { CI: 'true', WRANGLER_SEND_METRICS: 'false', NO_COLOR: '1', XDG_CONFIG_HOME: join(folder, 'config') },
  })
  return JSON.parse(said.slice(said.indexOf('[')))[0].results[0].n
}

const drawn = (from: number, to: number): number => from + Math.floor(Math.random() * (to - from + 1))

/**
 * Two isolates of the Worker on one D1: what may be spent an hour is not passed by many requests at once. What is counted is
 * what the embedded cloud has, in a database of its own.
 */
export const isolates = async (report: Report): Promise<void> => {
  const from = Date.now()
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-isolates-'))
  const ends: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })]
  const told = (fault: string, said: string) =>
    report.step(
      'two isolates on one D1',
      `${MANY} servers at once pass no cap`,
      fault ? 'failed' : 'passed',
      Date.now() - from,
      fault || said,
    )
  try {
    const { url, child } = await start(folder)
    ends.push(() => child.stop())
    told('', await atOnce(url, folder))
  } catch (error) {
    told(String(error instanceof Error ? error.message : error), '')
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

const atOnce = async (url: string, folder: string): Promise<string> => {
  const person = (isolate: string, name: 'admin' | 'demo'): Promise<Api> =>
    logInAs({ url: `${url}/${isolate}` }, { name, password: PASSWORDS[name], project: name })
  const admin = await person('one', 'admin')
  const demo = { one: await person('one', 'demo'), two: await person('two', 'demo') }
  const none = { instances: -1, cores: -1, ram: -1 }
  await admin.must('PUT', `/compute/v2.1/os-quota-sets/${demo.one.projectId}`, { quota_set: none })
  const { flavors } = await demo.one.must('GET', '/compute/v2.1/flavors')
  const flavorRef = flavors.find(({ name }: { name: string }) => name === 'sb.nano').id
  const { images } = await demo.one.must('GET', '/image/v2/images?name=sandbox-linux')
  const [price, fits] = [drawn(1_000, 400_000), drawn(4, 20)]
  const amount = (micros: number) => (micros / 1e6).toFixed(6)
  const prices = { currency: 'USD', sizes: { 'sb.nano': amount(price) } }
  await admin.must('PUT', '/broker/v1/clouds/sandbox/prices', { prices })
  const most = price * fits + drawn(0, price - 1)
  const max_hourly_cost = { amount: amount(most), currency: 'USD' }
  await admin.must('PUT', `/broker/v1/projects/${demo.one.projectId}/policy`, { policy: { max_hourly_cost } })
  const network = { network: { name: 'isolates' } }
  const { network: made } = await demo.one.must('POST', '/network/v2.0/networks', network)
  const subnet = { network_id: made.id, ip_version: 4, cidr: '10.83.0.0/24' }
  await demo.one.must('POST', '/network/v2.0/subnets', { subnet })
  const server = { name: 'of-many', imageRef: images[0].id, flavorRef, networks: [{ uuid: made.id }] }
  const answers = await Promise.all(
    Array.from({ length: MANY }, async (_, n) => {
      const isolate = ISOLATES[n % 2]!
      return { isolate, status: (await demo[isolate].call('POST', NOVA, { server })).status }
    }),
  )
  const admitted = (isolate: string) => answers.filter((each) => each.isolate === isolate && each.status === 202).length
  const [one, two] = [admitted('one'), admitted('two')]
  const others = [...new Set(answers.map(({ status }) => status))].filter((status) => ![202, 403, 409].includes(status))
  assert.deepEqual(others, [], `answers besides 202, 403 and 409: ${others}`)
  assert.ok(one + two > 0 && one + two <= fits, `${one + two} are admitted, and there is money for ${fits}`)
  await patiently(async () => {
    const { servers } = await demo.one.must('GET', `${NOVA}/detail`)
    assert.deepEqual(
      servers.filter(({ status }: { status: string }) => status !== 'ACTIVE'),
      [],
    )
  }, 120_000)
  const there = await machines(folder)
  assert.equal(there, one + two, `the cloud has ${there} machines, and ${one + two} were admitted`)
  assert.ok(there * price <= most, `${there} machines at ${price} pass ${most}`)
  return `${one} by one and ${two} by the other, of ${fits} that fit; the cloud has ${there}`
}
