import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { recall } from '../../../../adapters/sandbox/backdoor.ts'
import type { ServerSpec } from '../../../../adapters/specs.ts'
import { bindingsOf } from '../../../../db/queries/line/bindings.ts'
import { servers } from '../../../../db/schema/index.ts'
import { sweepLeftovers } from '../../../../functions/janitor.ts'
import { qcow2Disk } from '../../../support/disks.ts'
import type { Start } from '../../../support/harness.ts'
import { at, NOVA, newWorld, type World } from './world.ts'

/** What a request named is kept from its admission on, whatever becomes of the name or of the thing. */

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let w: World
const key = (seed: number) => {
  const parts = [new TextEncoder().encode('ssh-ed25519'), new Uint8Array(32).fill(seed)]
  const bytes = parts.flatMap((part) => [0, 0, 0, part.length, ...part])
  return `ssh-ed25519 ${btoa(String.fromCharCode(...bytes))} somebody`
}
const KEYS = `${NOVA}/os-keypairs`
const importKey = (seed: number) => w.demo.post(KEYS, { keypair: { name: 'k', public_key: key(seed) } })
/** Something that was made for a user, and its end. */
interface Thing {
  /** Gives what a request for a server says of it. */
  make(): Promise<Record<string, unknown>>
  /** Takes it away, or makes it another. */
  end(named: Record<string, unknown>): Promise<unknown>
}

const upload = async () => {
  const own = { name: 'own', disk_format: 'qcow2', container_format: 'bare' }
  const { id } = (await w.demo.post('/image/v2/images', own)).body
  const octets = { 'Content-Type': 'application/octet-stream' }
  await w.demo.put(`/image/v2/images/${id}/file`, qcow2Disk(), octets)
  return id as string
}
const flavor = (vcpus: number) =>
  w.admin.post(`${NOVA}/flavors`, { flavor: { id: 'own', name: 'own', vcpus, ram: 2048, disk: 20 } })
const group = async () =>
  (await w.demo.post('/network/v2.0/security-groups', { security_group: { name: 'g' } })).body.security_group.id

const THINGS: Record<string, Thing> = {
  'a keypair that is deleted': {
    make: async () => {
      await importKey(1)
      return { key_name: 'k' }
    },
    end: () => w.demo.delete(`${KEYS}/k`),
  },
  'a keypair that is deleted and made anew under its name': {
    make: async () => {
      await importKey(1)
      return { key_name: 'k' }
    },
    end: async () => {
      await w.demo.delete(`${KEYS}/k`)
      await importKey(2)
    },
  },
  'an uploaded image that is deleted': {
    make: async () => ({ imageRef: await upload(), flavorRef: '2' }),
    end: ({ imageRef }) => w.demo.delete(`/image/v2/images/${imageRef}`),
  },
  'an image of a server that is deleted': {
    make: async () => {
      const origin = await w.running()
      await w.act(origin, { createImage: { name: 'copy' } })
      await w.plimsoll.settle()
      return { imageRef: (await w.demo.get('/image/v2/images?name=copy')).body.images[0].id }
    },
    end: ({ imageRef }) => w.demo.delete(`/image/v2/images/${imageRef}`),
  },
  'a flavor that is deleted': {
    make: async () => {
      await flavor(1)
      return { flavorRef: 'own' }
    },
    end: () => w.admin.delete(`${NOVA}/flavors/own`),
  },
  'a flavor that is another size by now': {
    make: async () => {
      await flavor(1)
      return { flavorRef: 'own' }
    },
    end: async () => {
      await w.admin.delete(`${NOVA}/flavors/own`)
      await flavor(8)
    },
  },
  'a security group whose name is another group now': {
    make: async () => {
      await group()
      return { security_groups: [{ name: 'g' }] }
    },
    end: async () => {
      const named = (await w.demo.get('/network/v2.0/security-groups?name=g')).body.security_groups[0].id
      await w.demo.put(`/network/v2.0/security-groups/${named}`, { security_group: { name: 'former' } })
      await group()
    },
  },
  'a zone whose cloud is renamed': {
    make: async () => ({ availability_zone: 'sandbox' }),
    end: () => w.admin.patch('/broker/v1/clouds/sandbox', { cloud: { name: 'elsewhere' } }),
  },
}

/** Between the answer and the end of the thing: nothing happens, the cloud hears of it, or it is half made. */
const MOMENTS: Record<string, () => Promise<unknown>> = {
  'at once': async () => {},
  'while it is begun': () => w.plimsoll.runDeferred(),
}

const native = async (id: string) => {
  const binding = (await bindingsOf(w.plimsoll.db, id)).find(({ phase }) => phase === 'bound')!
  const seen = await recall(w.plimsoll.host.cloudState, binding.cloudId, 'server', binding.nativeId!)
  return (seen as unknown as { spec: ServerSpec }).spec
}
/** Phases of what stands below the line for things that nobody can name any more. */
const left = (kind: string) =>
  w.plimsoll.db.all<{ phase: string }>(
    `select b.phase from bindings b where b.kind = '${kind}' and b.phase <> 'gone' and not exists
      (select 1 from ${kind}s t where t.id = b.resource_id ${kind === 'image' ? 'and t.deleted_at is null' : ''})`,
  )

/** Data of images that is still there when nobody has needed it for hours. */
const dataKept = async () => {
  w.plimsoll.clock.advance(2 * 3_600_000)
  await sweepLeftovers(w.plimsoll.context())
  return w.plimsoll.blobs.kept.size
}

describe.each(Object.entries(THINGS))('%s', (_, thing) => {
  test.each(Object.entries(MOMENTS))('%s is what a server was admitted with', async (_when, moment) => {
    w = await newWorld()
    const named = await thing.make()
    const made = await w.boot({ ...named, min_count: 3, max_count: 3 }, w.newest)
    expect(made.status).toBe(202)
    await moment()
    await thing.end(named)
    await w.plimsoll.settle()
    const { servers } = (await w.newest.get(`${NOVA}/servers/detail?name=one`)).body
    const mine = servers.filter(({ name }: { name: string }) => name !== 'one')
    expect(mine.map(({ status }: { status: string }) => status)).toEqual(['ACTIVE', 'ACTIVE', 'ACTIVE'])
    for (const server of mine) {
      const spec = await native(server.id)
      if (named.key_name) expect([server.key_name, spec.publicKey]).toEqual(['k', key(1)])
      if (named.imageRef) expect(server.image.id).toBe(named.imageRef)
      if (named.flavorRef === 'own') expect([server.flavor.vcpus, spec.size.vcpus < 4]).toEqual([1, true])
      if (named.security_groups) expect(server.security_groups).toEqual([{ name: 'former' }])
    }
    expect(await left('keypair')).toEqual([])
    expect(await left('image')).toEqual([])
    expect(await dataKept()).toBe(0)
  })
})

describe('when the first cloud has no room', () => {
  const start: Start = {
    clouds: [
      { name: 'full', type: 'sandbox', options: { faults: [{ method: 'server.create', fault: 'capacity' }] } },
      { name: 'roomy', type: 'sandbox' },
    ],
  }
  const boot = (more: object) => w.boot({ networks: 'none', ...more })

  beforeEach(async () => {
    w = await newWorld(start)
    await w.plimsoll.db.run(`update clouds set position = iif(name = 'full', 0, 1)`)
  })

  test('the next one makes the server with the key and of the data that it was admitted with', async () => {
    await importKey(1)
    const imageRef = await upload()
    const { id } = (await boot({ imageRef, flavorRef: '2', key_name: 'k' })).body.server
    await w.demo.delete(`${KEYS}/k`)
    await importKey(2)
    await w.demo.delete(`/image/v2/images/${imageRef}`)
    await w.plimsoll.settle()
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', key_name: 'k', image: { id: imageRef } })
    expect((await w.server(id))['OS-EXT-AZ:availability_zone']).toMatch(/^roomy\./)
    expect((await native(id)).publicKey).toBe(key(1))
    expect([await left('keypair'), await left('image')]).toEqual([[], []])
    expect(await dataKept()).toBe(0)
  })
})

test('a size that has no room gives way to the next larger one for the flavor of the admission', async () => {
  w = await newWorld({
    clouds: [
      {
        name: 'sandbox',
        type: 'sandbox',
        options: { faults: [{ method: 'server.create', fault: 'capacity', count: 1 }] },
      },
    ],
  })
  await flavor(1)
  const { id } = (await w.boot({ flavorRef: 'own', availability_zone: 'sandbox.a' })).body.server
  await w.admin.delete(`${NOVA}/flavors/own`)
  await flavor(8)
  await w.plimsoll.settle()
  expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', flavor: { vcpus: 1 } })
  expect((await native(id)).size.vcpus).toBeLessThan(8)
})

describe('what is deleted and waited for', () => {
  beforeEach(async () => {
    w = await newWorld()
  })

  test('goes with the server that waits, when that is deleted first', async () => {
    await importKey(1)
    const imageRef = await upload()
    const { id } = (await w.boot({ imageRef, flavorRef: '2', key_name: 'k' })).body.server
    await w.demo.delete(`${KEYS}/k`)
    await w.demo.delete(`/image/v2/images/${imageRef}`)
    await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    expect([await left('keypair'), await left('image')]).toEqual([[], []])
    expect(await dataKept()).toBe(0)
  })

  test('cannot be named by another request', async () => {
    await importKey(1)
    await w.boot({ key_name: 'k' })
    await w.demo.delete(`${KEYS}/k`)
    const { status, body } = await w.boot({ key_name: 'k' })
    expect([status, body.badRequest.message]).toEqual([400, 'Invalid key_name provided.'])
    expect((await w.demo.get(`${KEYS}/k`)).status).toBe(404)
  })

  test('is what a rebuild was admitted with', async () => {
    const imageRef = await upload()
    const id = await w.running({ flavorRef: '2' })
    expect((await w.act(id, { rebuild: { imageRef } })).status).toBe(202)
    await w.demo.delete(`/image/v2/images/${imageRef}`)
    await w.plimsoll.settle()
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', image: { id: imageRef } })
    expect(await left('image')).toEqual([])
  })

  test('is what a volume was admitted with', async () => {
    const imageRef = await upload()
    const made = await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 20, imageRef } })
    expect(made.status).toBe(202)
    await w.demo.delete(`/image/v2/images/${imageRef}`)
    await w.plimsoll.settle()
    const { volume } = (await w.demo.get(`${w.cinder}/volumes/${made.body.volume.id}`)).body
    expect(volume.status).toBe('available')
    expect(await left('image')).toEqual([])
  })

  test('is refused to go while a volume is made of it', async () => {
    const first = (await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 1 } })).body.volume.id
    await w.plimsoll.settle()
    const clone = await w.demo.post(`${w.cinder}/volumes`, { volume: { source_volid: first } })
    expect(clone.status).toBe(202)
    expect((await w.demo.delete(`${w.cinder}/volumes/${first}`)).status).toBe(400)
    await w.plimsoll.settle()
    const { volume } = (await w.demo.get(`${w.cinder}/volumes/${clone.body.volume.id}`)).body
    expect(volume.status).toBe('available')
    expect((await w.demo.delete(`${w.cinder}/volumes/${first}`)).status).toBe(202)
  })
})

test('a rebuild that names a key means the one that has the name by now', async () => {
  w = await newWorld()
  await importKey(1)
  const id = await w.running({ key_name: 'k' })
  const rebuild = () => w.act(id, { rebuild: { imageRef: w.image, key_name: 'k' } })
  await w.demo.delete(`${KEYS}/k`)
  const { status, body } = await rebuild()
  expect([status, body.badRequest.message]).toEqual([400, 'Invalid key_name provided.'])
  await importKey(2)
  expect((await rebuild()).status).toBe(202)
  await w.plimsoll.settle()
  const [row] = await w.plimsoll.db.select().from(servers).where(eq(servers.id, id))
  expect([row?.keyName, row?.keypair?.publicKey]).toEqual(['k', key(2)])
})

test('a resize keeps the architecture of a server whose image is gone', async () => {
  w = await newWorld()
  const { images } = (await w.demo.get('/image/v2/images?architecture=aarch64')).body
  const origin = await w.running({ imageRef: images[0].id, flavorRef: '2' })
  await w.act(origin, { createImage: { name: 'copy' } })
  await w.plimsoll.settle()
  const copy = (await w.demo.get('/image/v2/images?name=copy')).body.images[0].id
  const id = await w.running({ imageRef: copy, flavorRef: '2' })
  await w.demo.delete(`/image/v2/images/${copy}`)
  await w.plimsoll.settle()
  const archOf = async () =>
    (
      await w.plimsoll.db.all<{ arch: string }>(
        `select o.arch from servers s join offers o on o.name = s.places ->> '$.at.native' where s.id = '${id}'`,
      )
    )[0]!.arch
  expect(await archOf()).toBe('aarch64')
  const asked = await w.act(id, { resize: { flavorRef: '3' } })
  await w.plimsoll.settle()
  if (asked.status === 202) expect(await archOf()).toBe('aarch64')
  else expect([asked.status, asked.body.badRequest.message]).toEqual([400, expect.stringMatching(/not offered/)])
})

test('a server that was made by an earlier version keeps showing the name of its key', async () => {
  w = await newWorld()
  await importKey(1)
  const id = await w.running({ key_name: 'k' })
  await w.plimsoll.db.run('update servers set keypair = null')
  await w.demo.delete(`${KEYS}/k`)
  await w.plimsoll.settle()
  expect((await w.server(id, w.demo.with(at('2.1')))).key_name).toBe('k')
})
