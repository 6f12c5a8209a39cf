import { describe, expect, it } from 'vitest'
import { createApp } from '../../functions/app.ts'
import { convergeDue } from '../../functions/broker/converge/converge.ts'
import { reconcile } from '../../functions/broker/reconcile/reconcile.ts'
import type { Context } from '../../functions/context.ts'
import { memoryConversion } from '../support/conversion/memory.ts'
import { rawCloudType } from '../support/conversion/raw-cloud.ts'
import { endDatabases } from '../support/databases/lent.ts'
import { qcow2Disk } from '../support/disks.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { outOfStep } from '../support/in-step.ts'
import { MemoryBlobs } from '../support/memory-blobs.ts'
import { mortal } from '../support/mortal.ts'
import { long, turn } from '../support/rounds.ts'
import { runtime } from '../support/runtime.ts'

rawCloudType()

/**
 * Every so many steps, by the cloud: on Node all of the usual one in long rounds; fewest on workerd, where each costs
 * ten times as much. They begin at another step each day.
 */
const STRIDES: Record<string, number> =
  runtime === 'workerd' ? { token: 31 } : long ? { token: 1, unique: 5, none: 4 } : { token: 11, unique: 23, none: 19 }

/** Every story has more steps. */
const SHORTEST = 20

interface Story {
  /** In place of `sandbox`. */
  type?: string
  /** Only every so many steps: it is long, and the rest of it is another story's too. */
  sparse?: number
  before(plimsoll: Plimsoll): Promise<Record<string, string>>
  /** The request that the dying process serves. */
  request(ids: Record<string, string>): { method: string; path: string; body?: unknown }
}

const quick = { build_ms: 200, boot_ms: 200, delete_ms: 200, volume_ms: 200, log_calls: 0 }
const sandbox = (profile: string, type = 'sandbox') => [{ name: 'sandbox', type, options: { ...quick, profile } }]

const network = async (p: Plimsoll) => {
  const demo = p.as('demo')
  const net = (await demo.post('/network/v2.0/networks', { network: { name: 'n' } })).body.network.id
  await demo.post('/network/v2.0/subnets', { subnet: { network_id: net, ip_version: 4, cidr: '10.9.0.0/24' } })
  return net as string
}
const volumes = (p: Plimsoll) => `/volume/v3/${p.projectId('demo')}/volumes`
const image = async (p: Plimsoll) =>
  (await p.as('demo').get('/image/v2/images')).body.images.find(
    (i: { architecture: string }) => i.architecture === 'x86_64',
  ).id as string
const serverBody = (ids: Record<string, string>) => ({
  server: {
    name: 's',
    flavorRef: '1',
    imageRef: ids.image,
    networks: [ids.port ? { port: ids.port } : { uuid: ids.network }],
  },
  ...(ids.group ? { 'os:scheduler_hints': { group: ids.group } } : {}),
})
const GROUPS = '/compute/v2.1/os-server-groups'
const group = async (p: Plimsoll) =>
  (await p.as('demo').post(GROUPS, { server_group: { name: 'g', policies: ['anti-affinity'] } })).body.server_group
    .id as string

const stories: Record<string, Story> = {
  'create a server': {
    before: async (p) => ({ network: await network(p), image: await image(p) }),
    request: (ids) => ({ method: 'POST', path: '/compute/v2.1/servers', body: serverBody(ids) }),
  },
  'delete a server': {
    before: async (p) => {
      const ids = { network: await network(p), image: await image(p) }
      const server = (await p.as('demo').post('/compute/v2.1/servers', serverBody(ids))).body.server.id as string
      await p.settle()
      return { ...ids, server }
    },
    request: (ids) => ({ method: 'DELETE', path: `/compute/v2.1/servers/${ids.server}` }),
  },
  'create a volume': {
    before: async (p) => ({ volumes: volumes(p) }),
    request: (ids) => ({ method: 'POST', path: ids.volumes!, body: { volume: { size: 1 } } }),
  },
  'delete a volume': {
    before: async (p) => {
      const volume = (await p.as('demo').post(volumes(p), { volume: { size: 1 } })).body.volume.id as string
      await p.settle()
      return { volume, volumes: volumes(p) }
    },
    request: (ids) => ({ method: 'DELETE', path: `${ids.volumes}/${ids.volume}` }),
  },
  'create a server on a port of its own': {
    before: async (p) => {
      const net = await network(p)
      const port = (await p.as('demo').post('/network/v2.0/ports', { port: { network_id: net } })).body.port
        .id as string
      return { network: net, port, image: await image(p) }
    },
    request: (ids) => ({ method: 'POST', path: '/compute/v2.1/servers', body: serverBody(ids) }),
  },
  'create a server of a group that keeps its servers apart': {
    sparse: 5,
    before: async (p) => ({ network: await network(p), image: await image(p), group: await group(p) }),
    request: (ids) => ({ method: 'POST', path: '/compute/v2.1/servers', body: serverBody(ids) }),
  },
  'delete the last server of a group that is deleted': {
    sparse: 5,
    before: async (p) => {
      const ids = { network: await network(p), image: await image(p), group: await group(p) }
      const server = (await p.as('demo').post('/compute/v2.1/servers', serverBody(ids))).body.server.id as string
      await p.settle()
      await p.as('demo').delete(`${GROUPS}/${ids.group}`)
      await p.settle()
      return { ...ids, server }
    },
    request: (ids) => ({ method: 'DELETE', path: `/compute/v2.1/servers/${ids.server}` }),
  },
  'create a server of an image that is converted': {
    type: 'raw',
    sparse: 3,
    before: async (p) => {
      const demo = p.as('demo')
      const asked = { name: 'own', disk_format: 'qcow2', container_format: 'bare' }
      const { id } = (await demo.post('/image/v2/images', asked)).body
      await demo.put(`/image/v2/images/${id}/file`, qcow2Disk({ virtual: 2 ** 29 }), {
        'Content-Type': 'application/octet-stream',
      })
      return { network: await network(p), image: id as string }
    },
    request: (ids) => ({ method: 'POST', path: '/compute/v2.1/servers', body: serverBody(ids) }),
  },
  'delete a port': {
    before: async (p) => {
      const net = await network(p)
      const port = (await p.as('demo').post('/network/v2.0/ports', { port: { network_id: net } })).body.port
        .id as string
      const ids = { network: net, port, image: await image(p) }
      const server = (await p.as('demo').post('/compute/v2.1/servers', serverBody(ids))).body.server.id as string
      await p.settle()
      await p.as('demo').delete(`/compute/v2.1/servers/${server}`)
      await p.settle()
      return ids
    },
    request: (ids) => ({ method: 'DELETE', path: `/network/v2.0/ports/${ids.port}` }),
  },
}

/** Worlds in which a story is about to be told: copies of one, unless it has a cloud whose memory is not in the database. */
const beginnings = async (story: Story, profile: string) => {
  const clouds = sandbox(profile, story.type)
  const anew = async () => {
    const blobs = new MemoryBlobs()
    const p = await startPlimsoll({ clouds, blobs, conversion: memoryConversion(() => blobs) })
    const ids = await story.before(p)
    await p.settle()
    return { p, ids }
  }
  if (story.type) return anew
  const { p, ids } = await anew()
  const like = await p.keep()
  return async () => ({ p: await startPlimsoll({ clouds, like }), ids })
}

/** Serves the request in a process that dies at its n-th step, and works on with the cron until it would be at rest. */
const liveAndDie = async (p: Plimsoll, request: { method: string; path: string; body?: unknown }, dieAt: number) => {
  const token = await p.as('demo').token()
  const { host, life } = mortal(p.host, dieAt)
  const context: Context = { ...host, requestId: 'req-mortal', caller: null, scope: { every: true } }
  const quietly = (work: () => Promise<unknown>) => work().catch(() => undefined)
  const response = await createApp(host).fetch(
    new Request(`http://plimsoll.test${request.path}`, {
      method: request.method,
      headers: { 'X-Auth-Token': token, 'Content-Type': 'application/json' },
      ...(request.body ? { body: JSON.stringify(request.body) } : {}),
    }),
  )
  for (let round = 0; round < 40 && !life.dead; round++) {
    for (let work = life.deferred.shift(); work && !life.dead; work = life.deferred.shift()) await quietly(work)
    p.clock.advance(500)
    await quietly(() => convergeDue(context, 60_000))
  }
  return { ...life, status: response.status }
}

describe.each(Object.entries(STRIDES))(
  'a process dies at any step, on a cloud that avoids duplicates by %s',
  (profile, stride) => {
    it.each(Object.keys(stories))('%s', { timeout: 240_000 }, async (name) => {
      const story = stories[name]!
      const pace = stride * (story.sparse ?? 1)
      const begin = await beginnings(story, profile)
      let deaths = 0
      for (let dieAt = 1 + turn(Math.min(pace, SHORTEST)); ; dieAt += pace) {
        // Each death has a world of its own; it is that of the one before, filled anew.
        endDatabases()
        const { p, ids } = await begin()
        const life = await liveAndDie(p, story.request(ids), dieAt)
        if (!life.dead) {
          expect(life.status, 'the request of the process that lives').toBeLessThan(300)
          expect(await outOfStep(p)).toEqual([])
          break
        }
        deaths++
        // Whoever comes next finds the claims of the dead run out.
        p.clock.advance(61_000)
        await p.settle()
        await reconcile(p.context(), 60_000)
        await p.settle()
        expect(await outOfStep(p), `${name}, dead at step ${dieAt}`).toEqual([])
      }
      expect(deaths).toBeGreaterThan(SHORTEST / pace)
    })
  },
)
