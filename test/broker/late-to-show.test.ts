import { expect, test } from 'vitest'
import type { Json, Store } from '../../adapters/contract.ts'
import type { Base } from '../../adapters/sandbox/records/entities.ts'
import { startPlimsoll } from '../support/harness.ts'
import { outOfStep } from '../support/in-step.ts'

const LATE = 5_000

/** What the cloud has, but not to be looked at in its first seconds: as a region that replicates shows it. */
const lateToShow = (store: Store, now: () => number): Store['get'] => {
  const get = store.get.bind(store)
  const shows = (value: Json) => now() >= (value as unknown as Base).createdAt + LATE
  return async (key) => {
    const found = await get(key)
    return found && (!key.includes('/objects/') || shows(found.value)) ? found : null
  }
}

test('a server that is deleted before its cloud shows it is not taken for gone', async () => {
  const options = { visibility_delay_ms: LATE }
  const plimsoll = await startPlimsoll({ clouds: [{ name: 'sandbox', type: 'sandbox', options }] })
  const demo = plimsoll.as('demo')
  const image = (await demo.get('/image/v2/images')).body.images.find(
    ({ architecture }: { architecture: string }) => architecture === 'x86_64',
  ).id
  const { cloudState } = plimsoll.host
  cloudState.get = lateToShow(cloudState, () => plimsoll.clock.now)
  const server = { name: 's', flavorRef: '1', imageRef: image, networks: 'none' }
  const created = await demo.with({ 'OpenStack-API-Version': 'compute 2.79' }).post('/compute/v2.1/servers', { server })
  expect(created.status).toBe(202)
  await plimsoll.runDeferred()
  expect((await demo.delete(`/compute/v2.1/servers/${created.body.server.id}`)).status).toBe(204)
  await plimsoll.settle()
  expect((await demo.get(`/compute/v2.1/servers/${created.body.server.id}`)).status).toBe(404)
  expect(await outOfStep(plimsoll)).toEqual([])
})
