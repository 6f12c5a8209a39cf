import { expect, test } from 'vitest'
import { asCloudError } from '../../adapters/errors.ts'
import { capabilitiesOf } from '../../adapters/registry.ts'
import { connectCloud } from '../../functions/broker/clouds/clouds.ts'
import type { Host } from '../../functions/context.ts'
import { runCron } from '../../functions/cron.ts'
import { createServer } from '../support/builders.ts'
import { startPlimsoll } from '../support/harness.ts'

type Instruments = NonNullable<Host['instruments']>

/** Instruments that write down what they are told, and how it ended. */
const listening = () => {
  const heard = { calls: [] as string[], steps: [] as string[], loops: [] as string[], requests: [] as unknown[] }
  const ended = async <T>(work: () => Promise<T>): Promise<[string, () => T]> => {
    try {
      const value = await work()
      return ['ok', () => value]
    } catch (error) {
      return [
        asCloudError(error).code,
        () => {
          throw error
        },
      ]
    }
  }
  const into =
    (list: string[]) =>
    async <T>(what: string, work: () => Promise<T>): Promise<T> => {
      const [how, give] = await ended(work)
      list.push(`${what} ${how}`)
      return give()
    }
  const instruments: Instruments = {
    call: ({ cloud, method }, work) => into(heard.calls)(`${cloud.name} ${cloud.type} ${method}`, work),
    step: ({ kind, phase, want }, work) => into(heard.steps)(`${kind} ${want} ${phase}`, work),
    loop: (name, work) => into(heard.loops)(name, work),
    request: async (arrival, answer) => {
      const response = await answer()
      const { request, to, caller } = arrival
      heard.requests.push([request.method, to?.route, to?.operation, response.status, caller?.projectId])
      return response
    },
  }
  return { heard, instruments }
}

test('calls to a cloud are told by the name that its contract has for them, and how they ended; so are steps and loops', async () => {
  const { heard, instruments } = listening()
  const { request: _, ...rest } = instruments
  const plimsoll = await startPlimsoll({
    clouds: [
      {
        name: 'home',
        type: 'sandbox',
        options: { faults: [{ method: 'server.create', fault: 'ambiguous_before', count: 1 }] },
      },
    ],
    instruments: rest,
  })
  const id = await createServer(plimsoll, plimsoll.as('demo'))
  const { server } = (await plimsoll.as('demo').get(`/compute/v2.1/servers/${id}`)).body
  expect(server.status).toBe('ACTIVE')
  expect(heard.calls).toContain('home sandbox server.create ambiguous')
  expect(heard.calls).toContain('home sandbox server.create ok')
  expect(heard.calls.indexOf('home sandbox server.find ok')).toBeGreaterThan(0)
  expect(heard.steps).toContain('server present intent ok')
  expect(heard.steps).toContain('server present calling ambiguous')
  expect(heard.steps).toContain('server present bound ok')
  plimsoll.clock.advance(3_600_000)
  await runCron(plimsoll.host)
  expect(heard.loops).toContain('reconcile ok')
  expect(heard.calls).toContain('home sandbox server.list ok')
})

test('requests are told by their operation and never by their path, with who asked', async () => {
  const { heard, instruments } = listening()
  const plimsoll = await startPlimsoll({ instruments: { request: instruments.request! } })
  const demo = plimsoll.as('demo')
  const project = plimsoll.projectId('demo')
  await demo.get('/compute/v2.1/servers/a-name-of-a-stranger')
  await demo.post('/compute/v2.1/servers', { server: {} })
  await plimsoll.nobody.get('/compute/v2.1/servers')
  await plimsoll.nobody.get('/compute/v2.1/no-such-thing')
  await plimsoll.nobody.get('/livez')
  expect(heard.requests).toEqual([
    ['GET', '/compute/v2.1/servers/:id', 'server.show', 404, project],
    ['POST', '/compute/v2.1/servers', 'server.create', 400, project],
    ['GET', '/compute/v2.1/servers', 'server.list', 401, undefined],
    ['GET', undefined, undefined, 404, undefined],
    ['GET', undefined, undefined, 200, undefined],
  ])
})

test('a cloud that is told of looks and does as it did; what is refused because it is only looked at asks nobody', async () => {
  const { heard, instruments } = listening()
  const plain = await startPlimsoll()
  const before = await connectCloud(plain.context(), plain.cloudId('sandbox'), plain.projectId('demo'))
  const told = await startPlimsoll({ instruments })
  const after = await connectCloud(told.context(), told.cloudId('sandbox'), told.projectId('demo'))
  const shape = (value: object): unknown =>
    Object.entries(value).map(([name, member]) => [
      name,
      typeof member === 'object' && member !== null ? shape(member) : typeof member === 'function' ? 'call' : member,
    ])
  expect(shape(after.cloud)).toEqual(shape(before.cloud))
  expect(capabilitiesOf(after.cloud, after.adapter)).toEqual(capabilitiesOf(before.cloud, before.adapter))

  const looked = await startPlimsoll({
    clouds: [{ name: 'looked-at', type: 'sandbox', options: { read_only: true } }],
    instruments,
  })
  const { cloud } = await connectCloud(looked.context(), looked.cloudId('looked-at'), looked.projectId('demo'))
  heard.calls.splice(0)
  await expect(cloud.server.start('i-1')).rejects.toThrow('read-only')
  expect(heard.calls).toEqual([])
  await cloud.server.list()
  expect(heard.calls).toEqual(['looked-at sandbox server.list ok'])
})

const sources = import.meta.glob<string>('../../functions/**/*.ts', { query: '?raw', import: 'default', eager: true })

test('nobody is handed a cloud that was not connected at the one place', () => {
  const connecting = Object.entries(sources).filter(([, text]) => /\badapter\w*\.connect\(/.test(text))
  expect(connecting.map(([path]) => path)).toEqual(['../../functions/broker/clouds/clouds.ts'])
})
