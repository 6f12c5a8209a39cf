import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { fake } from '../../../../adapters/vsphere/fake.ts'
import { MACHINE, playing, returned, type Scene } from '../../../../adapters/vsphere/scene.ts'
import { speakingCloudType, told } from '../../../../support/speaking-cloud.ts'
import { at, NOVA, newWorld, type World } from '../world.ts'

const MKS = { remote_console: { protocol: 'mks', type: 'webmks' } }
const TICKET = '<ticket>a1b2c3</ticket><cfgFile>x</cfgFile><host>esx1.example</host><port>443</port>'
const OPTIONS = { sizes: [{ name: 'vs.small', vcpus: 1, ram_mib: 512 }], allow_private: true }

let w: World
let id: string
let scene: Scene
let asked: { method: string }[]

const tickets = () => asked.filter(({ method }) => method === 'AcquireTicket').length
const open = (body: object = MKS, client = w.newest) => client.post(`${NOVA}/servers/${id}/remote-consoles`, body)
/** What a refusal says, with its status. */
const refused = ({ status, body }: { status: number; body: Record<string, { message: string }> }) => [
  status,
  Object.values(body)[0]!.message,
]

/** A server that runs on a vCenter: taken there behind the broker's back, since that one only shows what it is asked. */
const onVsphere = async (options: object = {}) => {
  await w.plimsoll.addCloud({
    name: 'dc1',
    type: 'vsphere',
    endpoint: 'https://vc.example',
    options: { ...OPTIONS, ...options },
  })
  const cloud = w.plimsoll.cloudId('dc1')
  await w.plimsoll.db.run(sql`update servers set cloud_id = ${cloud} where id = ${id}`)
  await w.plimsoll.db.run(
    sql`update bindings set cloud_id = ${cloud}, native_id = ${MACHINE} where kind = 'server' and resource_id = ${id}`,
  )
  scene.mark = `plimsoll ${w.plimsoll.host.deployment.id} ${w.plimsoll.projectId('demo')} server ${id} t 29000000`
}

beforeEach(async () => {
  scene = {
    mark: '',
    power: 'poweredOn',
    serial: null,
    file: () => new Response(null, { status: 404 }),
    answer: ({ method }) => (method === 'AcquireTicket' ? returned(method, TICKET) : undefined),
  }
  const vcenter = fake((one) => playing(scene)(one))
  asked = vcenter.asked
  w = await newWorld({ fetch: vcenter.surroundings.fetch })
  id = await w.running()
})

describe('the screen of a server', () => {
  test('is opened with a URL that holds for once', async () => {
    await onVsphere()
    const answer = await open()
    expect([answer.status, answer.body]).toEqual([
      200,
      { remote_console: { ...MKS.remote_console, url: 'wss://esx1.example:443/ticket/a1b2c3' } },
    ])
    expect(tickets()).toBe(1)
  })

  test('is not shown in ways that its cloud does not have', async () => {
    await onVsphere()
    const as = (protocol: string, type: string, client = w.newest) =>
      open({ remote_console: { protocol, type } }, client)
    expect(refused(await as('vnc', 'novnc'))).toEqual([400, 'Unavailable console type novnc.'])
    expect(refused(await as('spice', 'spice-html5'))).toEqual([400, 'Unavailable console type spice-html5.'])
    expect(refused(await as('vnc', 'webmks'))).toEqual([400, 'Invalid console type webmks'])
    expect((await as('telnet', 'novnc')).status).toBe(400)
    expect((await open({ remote_console: { protocol: 'mks' } })).status).toBe(400)
    expect((await open({ ...MKS, more: 1 })).status).toBe(400)
    expect(tickets()).toBe(0)
  })

  test('has a route since 2.6, and WebMKS since 2.8', async () => {
    await onVsphere()
    expect((await open(MKS, w.demo)).status).toBe(404)
    expect((await open(MKS, w.demo.with(at('2.7')))).status).toBe(400)
    expect((await open(MKS, w.demo.with(at('2.8')))).status).toBe(200)
  })

  test('had an action for each protocol up to 2.5', async () => {
    await onVsphere()
    for (const [name, type] of [
      ['os-getVNCConsole', 'novnc'],
      ['os-getSPICEConsole', 'spice-html5'],
      ['os-getRDPConsole', 'rdp-html5'],
      ['os-getSerialConsole', 'serial'],
    ] as const) {
      expect(refused(await w.act(id, { [name]: { type } }, w.demo))).toEqual([400, `Unavailable console type ${type}.`])
      expect((await w.act(id, { [name]: { type: 'telnet' } }, w.demo)).status).toBe(400)
      expect((await w.act(id, { [name]: {} }, w.demo)).status).toBe(400)
      expect((await w.act(id, { [name]: { type } }, w.demo.with(at('2.6')))).status).toBe(404)
    }
    expect((await w.act(id, { 'os-getMKSConsole': { type: 'webmks' } }, w.demo)).status).toBe(400)
  })

  test('is not there while the server is off, or not built', async () => {
    await onVsphere()
    scene.power = 'poweredOff'
    expect(refused(await open())).toEqual([409, `Instance ${id} is not ready`])
    const second = await w.boot({ name: 'two' })
    const early = await w.newest.post(`${NOVA}/servers/${second.body.server.id}/remote-consoles`, MKS)
    expect(refused(early)).toEqual([409, `Instance ${second.body.server.id} is not ready`])
    expect(tickets()).toBe(0)
  })

  test('is for members: a reader only looks, and others see no server', async () => {
    await onVsphere()
    await w.plimsoll.newUser('guest', 'demo', ['reader'])
    await w.plimsoll.newProject('other')
    expect((await open(MKS, w.plimsoll.as('guest').with(at('2.96')))).status).toBe(403)
    expect((await open(MKS, w.plimsoll.as('other').with(at('2.96')))).status).toBe(404)
    expect((await w.newest.post(`${NOVA}/servers/${crypto.randomUUID()}/remote-consoles`, MKS)).status).toBe(404)
    expect(tickets()).toBe(0)
  })

  test('stays shut where nothing is to be changed: a keyboard comes with it', async () => {
    await onVsphere({ read_only: true })
    expect(refused(await open())).toEqual([403, expect.stringMatching(/read-only/)])
    expect(tickets()).toBe(0)
  })
  test('stays shut of a server that was adopted to be looked at', async () => {
    await onVsphere()
    await w.plimsoll.db.run(sql`update bindings set ownership = 'foreign' where resource_id = ${id}`)
    expect(refused(await open())).toEqual([403, expect.stringMatching(/looked at only/)])
    expect(tickets()).toBe(0)
  })

  test('of a cloud that shows it to the broker alone is refused where no broker brings it', async () => {
    expect(refused(await open())).toEqual([400, 'Unavailable console type webmks.'])
    const reason =
      'The console of this server is brought by a WebSocket, which a broker on Workers does not do; one on Node does.'
    expect(refused(await open({ remote_console: { protocol: 'vnc', type: 'novnc' } }))).toEqual([409, reason])
    expect(refused(await w.act(id, { 'os-getVNCConsole': { type: 'novnc' } }, w.demo))).toEqual([409, reason])
  })

  test('is said to be proved less far than the rest', async () => {
    await onVsphere()
    const { clouds } = (await w.demo.get('/broker/v1/capabilities')).body
    const { capabilities } = clouds.find(({ cloud }: { cloud: string }) => cloud === 'dc1')
    expect(capabilities['server.remote_console']).toEqual({ available: true, unverified: expect.any(String) })
  })
})

describe('a console that a broker would have to bring', () => {
  test('is refused in words where the runtime brings none', async () => {
    speakingCloudType()
    w = await newWorld({ clouds: [{ name: 'lab', type: 'speaking' }] })
    id = await w.running()
    const reason =
      'The console of this server is brought by a WebSocket, which a broker on Workers does not do; one on Node does.'
    expect(refused(await open({ remote_console: { protocol: 'vnc', type: 'novnc' } }))).toEqual([409, reason])
    expect(refused(await open({ remote_console: { protocol: 'serial', type: 'serial' } }))).toEqual([409, reason])
    const page = await w.demo.get('/console/vnc_auto.html')
    expect([page.status, page.body.error.message]).toEqual([
      501,
      'Consoles are brought to browsers by a broker on Node, not on Workers.',
    ])
  })
})

describe('the password of the administrator in a guest', () => {
  const change = (adminPass: string) => w.act(id, { changePassword: { adminPass } })
  beforeEach(async () => {
    speakingCloudType()
    Object.assign(told, { passwords: [], refuses: '' })
    w = await newWorld({ clouds: [{ name: 'lab', type: 'speaking' }] })
    id = await w.running()
  })

  test('is set at once, or refused in the words of its guest', async () => {
    expect((await change('tea')).status).toBe(202)
    told.refuses = 'The guest did not set the password of cloud.'
    expect(refused(await change('biscuits'))).toEqual([
      409,
      `Failed to set admin password on ${id}: The guest did not set the password of cloud.`,
    ])
    expect(told.passwords).toEqual(['tea'])
  })

  test('stays as it is in a server that was adopted to be looked at', async () => {
    await w.plimsoll.db.run(sql`update bindings set ownership = 'foreign' where resource_id = ${id}`)
    expect(refused(await change('tea'))).toEqual([403, expect.stringMatching(/looked at only/)])
    expect(told.passwords).toEqual([])
  })
})

describe('what a server on vSphere writes on its serial port', () => {
  const output = (more: object = {}) => w.act(id, { 'os-getConsoleOutput': more })

  test('is its console log', async () => {
    await onVsphere()
    scene.serial = '[store] web/serial.log'
    scene.file = () => new Response('booting\nlogin: \n')
    expect((await output()).body).toEqual({ output: 'booting\nlogin: \n' })
    // The end of the last line is followed by an empty one, which Nova counts.
    expect((await output({ length: 2 })).body).toEqual({ output: 'login: \n' })
    expect((await output({ length: 1 })).body).toEqual({ output: '' })
  })

  test('is not there without such a port, in the words of Nova and with the reason', async () => {
    await onVsphere()
    expect(refused(await output())).toEqual([
      404,
      'Guest does not have a console available. The server has no serial port that writes to a file.',
    ])
  })
})
