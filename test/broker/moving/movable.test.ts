import { expect, test } from 'vitest'
import { movingParts } from '../../../db/queries/compute/moving.ts'
import { serverById } from '../../../db/queries/compute/servers.ts'
import { everyProject } from '../../../db/scope.ts'
import { whyNotMovable } from '../../../functions/broker/compute/moving/movable.ts'
import { NOVA, newWorld, type World } from '../../api/compute/servers/world.ts'

const why = async ({ plimsoll }: World, id: string) => {
  const { db } = plimsoll.host
  return whyNotMovable((await serverById(db, everyProject, id))!, await movingParts(db, id))
}
const MOVABLE = { metadata: { 'plimsoll:movable': 'true' } }

test('a server is movable where its metadata say so and nothing of it would stay behind', async () => {
  const w = await newWorld()
  expect(await why(w, await w.running())).toContain('plimsoll:movable=true')
  expect(await why(w, await w.running({ metadata: { 'plimsoll:movable': 'false' } }))).toContain(
    'plimsoll:movable=true',
  )
  const id = await w.running(MOVABLE)
  expect(await why(w, id)).toBeNull()
  const volume = (await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 1 } })).body.volume.id
  await w.plimsoll.settle()
  const path = `${NOVA}/servers/${id}/os-volume_attachments`
  expect((await w.newest.post(path, { volumeAttachment: { volumeId: volume } })).status).toBe(200)
  await w.plimsoll.settle()
  expect(await why(w, id)).toContain('volumes')
  const other = await w.running(MOVABLE)
  const plugged = await w.newest.post(`${NOVA}/servers/${other}/os-interface`, {
    interfaceAttachment: { net_id: w.network },
  })
  expect(plugged.status).toBe(200)
  expect(await why(w, other)).toContain('plugged')
})

test('what movable and busy mean is said by true and false alone', async () => {
  const w = await newWorld()
  for (const key of ['plimsoll:movable', 'plimsoll:busy']) {
    expect((await w.boot({ metadata: { [key]: 'yes' } })).body.badRequest.message).toContain(
      `${key} must be true or false`,
    )
    const id = await w.running({ metadata: { [key]: 'true' } })
    expect((await w.newest.post(`${NOVA}/servers/${id}/metadata`, { metadata: { [key]: 'no' } })).status).toBe(400)
    expect((await w.newest.post(`${NOVA}/servers/${id}/metadata`, { metadata: { [key]: 'false' } })).status).toBe(200)
  }
})
