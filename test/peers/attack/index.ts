import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Dice } from '../../simulate/dice.ts'
import { type Api, logIn, logInAs } from '../support/api.ts'
import { type Broker, ROOT, startBroker } from '../support/broker.ts'
import { inventory } from '../support/cloud.ts'
import type { Report } from '../support/report.ts'
import { attackWith, type Ids } from './requests.ts'
import { storm } from './storm.ts'
import type { Seen } from './watch-loop.ts'

/** The longest turn of the event loop that any input may cause, in milliseconds of CPU of its thread. */
const MOST_HELD = 200
/** What the process may hold more than when it began, in bytes. */
const MOST_GROWN = 350 * 2 ** 20
const AT_ONCE = 8

/**
 * Strangers with and without a token, on a broker of their own with two tenants: random requests over the whole route
 * table, and floods. Nothing answers 5xx but 501 and 503 with a reason, nothing of one tenant is told to the other, no
 * input holds the event loop, and memory stays bounded. Everything goes to this machine, and ends by itself.
 */
export const attack = async (report: Report, requests: number, seed: number): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-attack-'))
  const watch = join(folder, 'seen.json')
  const broker = await startBroker('node', {
    ATTACK_WATCH: watch,
    NODE_OPTIONS: `--import=${pathToFileURL(join(ROOT, 'test/peers/attack/watch-loop.ts')).href} --disable-warning=ExperimentalWarning`,
  })
  const step = async (title: string, run: () => Promise<string>): Promise<void> => {
    const started = Date.now()
    try {
      const seen = await run()
      report.step('attack', title, 'passed', Date.now() - started, seen)
    } catch (error) {
      report.step(
        'attack',
        title,
        'failed',
        Date.now() - started,
        error instanceof Error ? error.message : String(error),
      )
    }
  }
  try {
    const admin = await logIn(broker, 'admin')
    await inventory(admin, broker, 'sandbox')
    const ground = await layGround(broker, admin)
    const before = await watched(watch)
    const began = Date.now()
    await storm(broker, ground.stranger, step)
    await step(`${requests} random requests (seed ${seed})`, () => shower(broker, ground, requests, seed))
    await step('the event loop was never held', async () => {
      const { turns } = await watched(watch)
      const held = Math.max(0, ...turns.filter(({ at }) => at >= began).map((turn) => turn.held))
      if (held > MOST_HELD) throw new Error(`${held.toFixed(0)} ms of CPU in one turn`)
      return `${held.toFixed(0)} ms of CPU at most in one turn`
    })
    await step('memory is bounded', async () => {
      const { resident } = await watched(watch)
      const grown = resident - before.resident
      const said = `${(before.resident / 2 ** 20).toFixed(0)} MiB before, ${(resident / 2 ** 20).toFixed(0)} MiB after`
      if (grown > MOST_GROWN) throw new Error(said)
      return said
    })
    await step('the broker serves as before', async () => {
      const { body, status } = await (await logIn(broker, 'demo')).call('GET', '/compute/v2.1/servers')
      if (status !== 200) throw new Error(JSON.stringify(body))
      return ''
    })
  } finally {
    await broker.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Ground {
  stranger: Api
  admin: Api
  /** Ids of what the stranger has, and of what the other tenant has, by the segments that name them. */
  ids: Ids
  all: string[]
  /** Words that stand in what the other tenant has, and nowhere else. */
  canaries: string[]
}

const NETWORK = '/network/v2.0'

/** Two tenants with one of each of most things. */
const layGround = async (broker: Broker, admin: Api): Promise<Ground> => {
  const person = { name: 'stranger', password: 'attack-stranger-password', project: 'stranger' }
  const { project } = await admin.must('POST', '/identity/v3/projects', { project: { name: person.project } })
  const { user } = await admin.must('POST', '/identity/v3/users', {
    user: { name: person.name, password: person.password },
  })
  const { roles } = await admin.must('GET', '/identity/v3/roles')
  const member = roles.find(({ name }: { name: string }) => name === 'member').id
  await admin.must('PUT', `/identity/v3/projects/${project.id}/users/${user.id}/roles/${member}`)
  await admin.must('PUT', `/broker/v1/projects/${project.id}/clouds/sandbox`, { mapping: {} })
  const stranger = await logInAs(broker, person)
  const demo = await logIn(broker, 'demo')
  const canary = `canary-${crypto.randomUUID()}`
  const [own, theirs] = [await oneOfEach(stranger, 'own'), await oneOfEach(demo, canary)]
  const ids = new Map<string, string[]>()
  for (const [segment, id] of [...own, ...theirs]) ids.set(segment, [...(ids.get(segment) ?? []), id])
  ids.set('project_id', [stranger.projectId])
  return { stranger, admin, ids, all: [...ids.values()].flat(), canaries: [canary] }
}

/** Pairs of a segment and the id of what was made for it. */
const oneOfEach = async (api: Api, name: string): Promise<[string, string][]> => {
  const { network } = await api.must('POST', `${NETWORK}/networks`, { network: { name } })
  const subnet = { name, network_id: network.id, ip_version: 4, cidr: '10.11.0.0/20' }
  // Its name is what asks for it: strangers send that, and call what they make by it.
  const keypair = { name: `key-${crypto.randomUUID()}` }
  const made: [string, string][] = [
    ['networks', network.id],
    ['subnets', (await api.must('POST', `${NETWORK}/subnets`, { subnet })).subnet.id],
    ['ports', (await api.must('POST', `${NETWORK}/ports`, { port: { name, network_id: network.id } })).port.id],
    ['routers', (await api.must('POST', `${NETWORK}/routers`, { router: { name } })).router.id],
    [
      'security-groups',
      (await api.must('POST', `${NETWORK}/security-groups`, { security_group: { name } })).security_group.id,
    ],
    [
      'volumes',
      (await api.must('POST', `/volume/v3/${api.projectId}/volumes`, { volume: { name, size: 1 } })).volume.id,
    ],
    ['images', (await api.must('POST', '/image/v2/images', { name })).id],
    ['os-keypairs', (await api.must('POST', '/compute/v2.1/os-keypairs', { keypair })).keypair.name],
  ]
  const { images } = await api.must('GET', '/image/v2/images?visibility=public')
  const server = { name, flavorRef: '1', imageRef: images[0].id, networks: [{ uuid: network.id }], metadata: { name } }
  return [...made, ['servers', (await api.must('POST', '/compute/v2.1/servers', { server })).server.id]]
}

/** Random requests, a few at a time, half of them as an administrator or nobody. Gives the count of each status. */
const shower = async (broker: Broker, ground: Ground, requests: number, seed: number): Promise<string> => {
  const { stranger, admin, ids, all, canaries } = ground
  const dice = new Dice(seed)
  const none: Ids = new Map([['project_id', [admin.projectId]]])
  const statuses = new Map<number, number>()
  const wrong: string[] = []
  let left = requests
  const worker = async (): Promise<void> => {
    while (left-- > 0 && wrong.length < 20) {
      const sender = dice.pick(['stranger', 'stranger', 'admin', 'nobody'] as const)
      // An administrator is let loose on what is not there: what is there is needed to the end.
      const { title, method, path, headers, body } = attackWith(
        dice,
        sender === 'admin' ? none : ids,
        sender === 'admin' ? [] : all,
      )
      const token = sender === 'stranger' ? stranger.token : sender === 'admin' ? admin.token : null
      const send = () =>
        fetch(broker.url + path, {
          method,
          headers: { ...headers, ...(token ? { 'X-Auth-Token': token } : {}) },
          ...(body === undefined ? {} : { body }),
          redirect: 'manual',
          signal: AbortSignal.timeout(60_000),
        })
      // A connection that a broken-off body has used up may be closed while the next request is on its way.
      const response = await send()
        .catch(send)
        .catch((error) => {
          // A body over the limit is cut off while it is sent.
          if ((body?.length ?? 0) <= 2 ** 20)
            wrong.push(
              `no answer: ${title}: ${path.slice(0, 300)} ${String(body).slice(0, 300)} ${error.cause ?? error}`,
            )
          return null
        })
      if (!response) continue
      const text = await response.text()
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
      const sent = `${path} ${body}`
      const told = sender !== 'admin' && canaries.some((canary) => text.includes(canary) && !sent.includes(canary))
      if (told) wrong.push(`${sender} was told of another tenant by ${title}: ${path.slice(0, 200)}`)
      const failed = response.status >= 500 && !([501, 503].includes(response.status) && text.length > 20)
      if (failed)
        wrong.push(
          `${response.status} ${title}: ${path.slice(0, 300)} ${String(body).slice(0, 300)} ${text.slice(0, 200)}`,
        )
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  return [...statuses]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ')
}

/** What the watch wrote last; waits for its first word. */
const watched = async (path: string): Promise<Seen> => {
  for (let tries = 0; ; tries++) {
    try {
      return JSON.parse(await readFile(path, 'utf8'))
    } catch (error) {
      if (tries > 40) throw error
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}
