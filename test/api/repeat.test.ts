import { Buffer } from 'node:buffer'
import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../../functions/app.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { mortal } from '../support/mortal.ts'

describe('a POST that is sent again with the same key', () => {
  let plimsoll: Plimsoll
  let volumes: string
  const key = { 'Idempotency-Key': 'order-66' }
  const body = { volume: { size: 1, name: 'once' } }
  const count = async () => (await plimsoll.as('demo').get(volumes)).body.volumes.length

  beforeEach(async () => {
    plimsoll = await startPlimsoll()
    volumes = `/volume/v3/${plimsoll.projectId('demo')}/volumes`
  })

  it('gets the first answer and makes nothing', async () => {
    const first = await plimsoll.as('demo').post(volumes, body, key)
    const second = await plimsoll.as('demo').post(volumes, body, key)
    expect(second.status).toBe(first.status)
    expect(second.body).toEqual(first.body)
    expect(await count()).toBe(1)
  })

  it('is 409 with another body, in the words of the service', async () => {
    await plimsoll.as('demo').post(volumes, body, key)
    const other = await plimsoll.as('demo').post(volumes, { volume: { size: 2 } }, key)
    expect(other.status).toBe(409)
    expect(other.body.conflictingRequest.message).toMatch(/idempotency key/)
    expect(await count()).toBe(1)
  })

  it('gets the first answer under a request id of its own', async () => {
    const first = await plimsoll.as('demo').post(volumes, body, key)
    const second = await plimsoll.as('demo').post(volumes, body, key)
    for (const name of ['X-Openstack-Request-Id', 'X-Compute-Request-Id']) {
      expect(second.headers.get(name)).toMatch(/^req-/)
      expect(second.headers.get(name)).not.toBe(first.headers.get(name))
    }
  })

  it.each([
    ['query', (path: string) => `${path}?x=1`, {}],
    ['microversion', (path: string) => path, { 'OpenStack-API-Version': 'volume 3.59' }],
  ])('is 409 with another %s', async (_, elsewhere, headers) => {
    await plimsoll.as('demo').post(volumes, body, key)
    const other = await plimsoll.as('demo').post(elsewhere(volumes), body, { ...key, ...headers })
    expect(other.status).toBe(409)
    expect(await count()).toBe(1)
  })

  it('means nothing to a colleague in the same project', async () => {
    await plimsoll.newUser('colleague', 'demo', ['member', 'reader'])
    const wish = { keypair: { name: 'deploy' } }
    const mine = await plimsoll.as('demo').post('/compute/v2.1/os-keypairs', wish, key)
    const theirs = await plimsoll.as('colleague').post('/compute/v2.1/os-keypairs', wish, key)
    expect(mine.body.keypair.private_key).toMatch(/PRIVATE KEY/)
    expect(theirs.body.keypair.private_key).not.toBe(mine.body.keypair.private_key)
    expect(theirs.body.keypair.user_id).toBe(plimsoll.userId('colleague'))
    const mineAgain = await plimsoll.as('demo').post('/compute/v2.1/os-keypairs', wish, key)
    expect(mineAgain.body.keypair.private_key).toBe(mine.body.keypair.private_key)
  })

  it('is told so where the answer held a private key that is lost', async () => {
    const wish = { keypair: { name: 'deploy' } }
    await plimsoll.as('demo').post('/compute/v2.1/os-keypairs', wish, key)
    await plimsoll.db.run(sql`update repeatables set answer = null`)
    const again = await plimsoll.as('demo').post('/compute/v2.1/os-keypairs', wish, key)
    expect(again.status).toBe(409)
    expect(again.body.conflictingRequest.message).toMatch(/its answer is not known any more/)
  })

  it('finds a volume as the first left it, whose answer was lost: reserved for the server, or in it', async () => {
    const demo = plimsoll.as('demo')
    const { images } = (await demo.get('/image/v2/images')).body
    const server = { name: 's', flavorRef: '1', imageRef: images[0].id, networks: 'none' }
    const made = await demo.with({ 'OpenStack-API-Version': 'compute 2.79' }).post('/compute/v2.1/servers', { server })
    const { id: volumeId } = (await demo.post(volumes, body)).body.volume
    await plimsoll.settle()
    const path = `/compute/v2.1/servers/${made.body.server.id}/os-volume_attachments`
    const first = await demo.post(path, { volumeAttachment: { volumeId } }, key)
    expect(first.status).toBe(200)
    for (const status of ['reserved', 'in-use']) {
      expect((await demo.get(`${volumes}/${volumeId}`)).body.volume.status).toBe(status)
      await plimsoll.db.run(sql`update repeatables set answer = null`)
      const again = await demo.post(path, { volumeAttachment: { volumeId } }, key)
      expect([again.status, again.body]).toEqual([200, first.body])
      await plimsoll.settle()
    }
    expect((await demo.get(path)).body.volumeAttachments).toHaveLength(1)
    expect((await demo.post(path, { volumeAttachment: { volumeId } })).status).toBe(400)
  })

  it('counts once across an upgrade from when keys were those of a project', async () => {
    const first = await plimsoll.as('demo').post(volumes, body, key)
    const sha = async (...parts: string[]) => {
      const text = new TextEncoder().encode(JSON.stringify(parts))
      return Buffer.from(await crypto.subtle.digest('SHA-256', text)).toString('base64url')
    }
    const former = await sha(plimsoll.projectId('demo'), volumes, 'order-66')
    const bodyHash = await sha(JSON.stringify(body))
    await plimsoll.db.run(sql`update repeatables set key = ${former}, body_hash = ${bodyHash}, answer = null`)
    const second = await plimsoll.as('demo').post(volumes, body, key)
    expect([second.status, second.body.volume.id]).toEqual([202, first.body.volume.id])
    await plimsoll.newUser('colleague', 'demo', ['member', 'reader'])
    expect((await plimsoll.as('colleague').post(volumes, body, key)).status).toBe(409)
    expect(await count()).toBe(1)
  })

  it('means nothing to another project', async () => {
    await plimsoll.newProject('other', { clouds: ['sandbox'] })
    const mine = await plimsoll.as('demo').post(volumes, body, key)
    const theirs = await plimsoll.as('other').post(`/volume/v3/${plimsoll.projectId('other')}/volumes`, body, key)
    expect(theirs.status).toBe(202)
    expect(theirs.body.volume.id).not.toBe(mine.body.volume.id)
  })

  it('may be anew after a request that was refused', async () => {
    const refused = await plimsoll.as('demo').post(volumes, { volume: { size: 0 } }, key)
    expect(refused.status).toBe(400)
    expect((await plimsoll.as('demo').post(volumes, body, key)).status).toBe(202)
  })

  it('gets the same resource even if the process died at any step of the first', async () => {
    const token = await plimsoll.as('demo').token()
    for (let dieAt = 1; ; dieAt++) {
      const { host, life } = mortal(plimsoll.host, dieAt)
      const request = () =>
        new Request(`http://plimsoll.test${volumes}`, {
          method: 'POST',
          headers: { 'X-Auth-Token': token, 'Content-Type': 'application/json', 'Idempotency-Key': `death-${dieAt}` },
          body: JSON.stringify(body),
        })
      const before = await count()
      await createApp(host).fetch(request())
      const again = await createApp(plimsoll.host).fetch(request())
      expect(again.status, `after death at step ${dieAt}`).toBe(202)
      const { volume } = (await again.json()) as { volume: { id: string } }
      expect((await plimsoll.as('demo').get(`${volumes}/${volume.id}`)).status).toBe(200)
      expect(await count()).toBe(before + 1)
      if (!life.dead) return
    }
  })

  it('is forgotten after 72 hours', async () => {
    await plimsoll.as('demo').post(volumes, body, key)
    plimsoll.clock.advance(72 * 3_600_000 + 1_000)
    const { sweepLeftovers } = await import('../../functions/janitor.ts')
    await sweepLeftovers(plimsoll.context())
    await plimsoll.as('demo').post(volumes, body, key)
    expect(await count()).toBe(2)
  })
})

describe('a global request id', () => {
  const globalId = 'req-8a7b8ff6-1b1c-4a3e-9d5e-0a3a6c1c2f11'
  const named = { 'X-OpenStack-Request-ID': globalId }
  let plimsoll: Plimsoll
  let volumes: string
  const entries = () =>
    plimsoll.db.all<{ request: string; global: string | null }>(
      sql`select request_id as request, global_request_id as global from journal where kind in ('volume', 'network', 'keypair') order by id`,
    )

  beforeEach(async () => {
    plimsoll = await startPlimsoll()
    volumes = `/volume/v3/${plimsoll.projectId('demo')}/volumes`
  })

  it('goes along on all calls of an operation, and each of them counts', async () => {
    const demo = plimsoll.as('demo').with(named)
    const answers = [
      await demo.post(volumes, { volume: { size: 1 } }),
      await demo.post(volumes, { volume: { size: 1 } }),
      await demo.post('/network/v2.0/networks', { network: {} }),
      await demo.post('/network/v2.0/networks', { network: {} }),
      await demo.post('/compute/v2.1/os-keypairs', { keypair: { name: 'k' } }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 201, 201, 200])
    expect(answers[0]!.body.volume.id).not.toBe(answers[1]!.body.volume.id)
    expect(answers[2]!.body.network.id).not.toBe(answers[3]!.body.network.id)
    const ids = answers.map(({ headers }) => headers.get('X-Openstack-Request-Id'))
    expect(new Set([...ids, globalId]).size).toBe(6)
    expect(await entries()).toEqual(ids.map((request) => ({ request, global: globalId })))
  })

  it.each([
    'req-8a7b8ff6-1b1c-4a3e-9d5e-0a3a6c1c2f1',
    'req-8A7B8FF6-1B1C-4A3E-9D5E-0A3A6C1C2F11',
    '8a7b8ff6-1b1c-4a3e-9d5e-0a3a6c1c2f11',
    `${globalId}x`,
    'order-66',
  ])('is passed over when it is %s', async (given) => {
    const answer = await plimsoll.as('demo').post(volumes, { volume: { size: 1 } }, { 'X-OpenStack-Request-ID': given })
    expect(await entries()).toEqual([{ request: answer.headers.get('X-Openstack-Request-Id'), global: null }])
  })

  it('is in the log beside the id of the request', async () => {
    const demo = plimsoll.as('demo')
    await demo.token()
    plimsoll.host.db.batch = () => Promise.reject(new Error('the disk is full'))
    const answer = await demo.post(volumes, { volume: { size: 1 } }, named)
    expect(answer.status).toBe(500)
    expect(plimsoll.logged.find(({ message }) => message === 'request failed')?.fields).toMatchObject({
      requestId: answer.headers.get('X-Openstack-Request-Id'),
      globalRequestId: globalId,
    })
  })
})
