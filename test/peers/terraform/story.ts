import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cinder, eventually, NEUTRON, NOVA, serverOf } from '../mixed/place.ts'
import { AWAY, drawn, type Ground, HOME, IMAGE_NAME, layGround, markHome, settle } from '../span/ground.ts'
import { agree } from '../span/standing.ts'
import type { Api } from '../support/api.ts'
import type { Broker, Runtime } from '../support/broker.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { inRounds, told } from '../support/told.ts'
import { readyUrlOf } from '../vsphere/seen.ts'
import { type Configuration, configure } from './configuration.ts'
import type { Programs } from './programs.ts'

/** Workers, the server with the volume, and the one with the floating IP. */
const SERVERS = 5

interface Scene {
  broker: Broker
  admin: Api
  demo: Api
  ground: Ground
  configuration: Configuration
  /** So many servers of one vCPU home takes, of so many that it lends room for. */
  home: number
  room: number
}

/** A configuration is applied over home and away, moved under its feet, changed, and destroyed; nothing is left. */
export const planned = (report: Report, runtime: Runtime, programs: Programs): Promise<void> =>
  told(
    {
      runtime,
      report,
      story: `${runtime} × terraform`,
      setting: 'two clouds, and the configuration of the page',
      settings: (url) => ({
        PLIMSOLL_PUBLIC_URL: url,
        PLIMSOLL_HOMECOMING_AFTER: '0',
        PLIMSOLL_HOMECOMING_GRACE: '1',
      }),
    },
    async (at) => {
      const { admin, demo, broker, ends, step } = at
      const folder = await mkdtemp(join(tmpdir(), 'plimsoll-terraform-'))
      ends.push(() => rm(folder, { recursive: true, force: true }))
      const ground = await layGround()
      ends.push(() => ground.stop())
      inRounds(at)
      await settle({ admin, demo, broker }, ground)
      await planNetworks(demo)
      const { application_credential: login } = await demo.must(
        'POST',
        `/identity/v3/users/${demo.userId}/application_credentials`,
        { application_credential: { name: 'terraform' } },
      )
      const configuration = await configure(folder, programs, broker.url, login)
      const scene: Scene = { ...at, ground, configuration, home: drawn(1, 2), room: drawn(4, 6) }
      for (const [title, run] of Object.entries(STEPS)) await step(title, () => run(scene))
    },
  )

/** As the page says it. */
const planNetworks = (demo: Api): Promise<unknown> =>
  demo.must('PUT', `/broker/v1/projects/${demo.projectId}/network-plan`, {
    plan: { routed: false, pool: '10.64.0.0/12', prefix_length: 24, egress: true },
  })

const mark = (scene: Scene, home: number) =>
  markHome(scene, (home + 0.5) / scene.room, scene.room, { zones: 'policy', hysteresis: 0 })

const stand = ({ ground }: Scene, home: number, away: number): Promise<void> =>
  patiently(async () => assert.deepEqual(await ground.census(), { [HOME]: home, [AWAY]: away }), 120_000)

/** No cloud here has guests: that a machine which arrives at home is ready is said for it, by the script that it was given. */
const reportReady = async ({ ground }: Scene): Promise<void> => {
  const { machines } = await ground.home.vcsim!.inventory()
  for (const machine of machines) {
    const url = readyUrlOf(machine)
    if (url) await fetch(url, { method: 'POST' })
  }
}

const STEPS: Record<string, (scene: Scene) => Promise<unknown>> = {
  'home is filled up to its mark, and the rest goes outside': async (scene) => {
    const { configuration, home, demo, ground } = scene
    await mark(scene, home)
    await configuration.terraform('init', '-no-color')
    await configuration.terraform('apply', '-no-color', '-auto-approve')
    await stand(scene, home, SERVERS - home)
    await agree(demo, ground)
  },

  'there is nothing to do then': ({ configuration }) => configuration.hasNothingToDo(),

  'one comes home, and there is nothing to do': async (scene) => {
    const { home, configuration } = scene
    await mark(scene, home + 1)
    await patiently(async () => {
      await reportReady(scene)
      assert.deepEqual(await scene.ground.census(), { [HOME]: home + 1, [AWAY]: SERVERS - home - 1 })
    }, 150_000)
    await agree(scene.demo, scene.ground)
    await configuration.hasNothingToDo()
  },

  'flavor and metadata change in place': async (scene) => {
    const { configuration, demo } = scene
    const before = await configuration.servers()
    await configuration.edit('public.tf', '"m1.small"', '"m1.medium"')
    await configuration.edit('workers.tf', '"12h"', '"24h"')
    await configuration.terraform('apply', '-no-color', '-auto-approve')
    assert.deepEqual(await configuration.servers(), before)
    const { flavors } = await demo.must('GET', '/compute/v2.1/flavors')
    const nameOf = ({ id }: { id: string }) => flavors.find((each: { id: string }) => each.id === id).name
    assert.equal(nameOf((await serverOf(demo, before.door!)).flavor), 'm1.medium')
    const { servers } = await demo.must('GET', `${NOVA}/detail?name=worker`)
    const leases = servers.map(({ metadata }: { metadata: Record<string, string> }) => metadata['plimsoll:lease'])
    assert.deepEqual(leases, ['24h', '24h', '24h'])
    await configuration.hasNothingToDo()
  },

  'a server that was there is taken in': async (scene) => {
    const { configuration, demo } = scene
    const { images } = await demo.must('GET', `/image/v2/images?name=${IMAGE_NAME}`)
    const { flavors } = await demo.must('GET', '/compute/v2.1/flavors')
    const { networks } = await demo.must('GET', `${NEUTRON}/networks?name=work`)
    const { server } = await demo.must('POST', NOVA, {
      server: {
        name: 'found',
        availability_zone: 'burst',
        imageRef: images[0].id,
        flavorRef: flavors.find(({ name }: { name: string }) => name === 'm1.small').id,
        networks: [{ uuid: networks[0].id }],
      },
    })
    await eventually(
      () => serverOf(demo, server.id),
      ({ status }) => status === 'ACTIVE',
      120,
    )
    await configuration.takeIn(server.id)
    await configuration.terraform('apply', '-no-color', '-auto-approve')
    assert.equal((await configuration.servers()).found, server.id)
    await configuration.hasNothingToDo()
  },

  'nothing is left on either cloud when it is destroyed': async (scene) => {
    const { configuration, demo, ground, broker } = scene
    await configuration.terraform('destroy', '-no-color', '-auto-approve')
    assert.deepEqual((await demo.must('GET', NOVA)).servers, [])
    assert.deepEqual((await demo.must('GET', `${cinder(demo)}/volumes`)).volumes, [])
    await patiently(async () => {
      await broker.cron()
      assert.deepEqual(await ground.leftovers(), [])
    }, 60_000)
  },
}
