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

  it('counts a repeated request id of the client as a key', async () => {
    const id = { 'X-OpenStack-Request-ID': 'req-8a7b8ff6-1b1c-4a3e-9d5e-0a3a6c1c2f11' }
    const [first, second] = [
      await plimsoll.as('demo').post(volumes, body, id),
      await plimsoll.as('demo').post(volumes, body, id),
    ]
    expect(second.body.volume.id).toBe(first.body.volume.id)
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
