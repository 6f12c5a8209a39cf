import { beforeEach, expect, test } from 'vitest'
import { ORIGIN, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
})

test.each(['/compute', '/compute/'])('%s lists the versions without a token, the oldest first', async (path) => {
  const { status, body } = await plimsoll.nobody.get(path)
  expect(status).toBe(200)
  expect(body.versions.map(({ id }: { id: string }) => id)).toEqual(['v2.0', 'v2.1'])
  expect(body.versions[1]).toEqual({
    id: 'v2.1',
    status: 'CURRENT',
    version: '2.96',
    min_version: '2.1',
    updated: '2013-07-23T11:33:21Z',
    links: [{ rel: 'self', href: `${ORIGIN}/compute/v2.1/` }],
  })
})

test.each(['/compute/v2.1', '/compute/v2.1/'])('%s tells the range of microversions', async (path) => {
  const { status, body } = await plimsoll.nobody.get(path)
  expect(status).toBe(200)
  expect(body.version).toMatchObject({ id: 'v2.1', status: 'CURRENT', version: '2.96', min_version: '2.1' })
  expect(body.version['media-types']).toHaveLength(1)
})

test('every self link leads to itself', async () => {
  const { body } = await plimsoll.nobody.get('/compute')
  for (const { links } of body.versions) {
    const self = links.find((link: { rel: string }) => link.rel === 'self').href
    const document = await plimsoll.nobody.get(self)
    expect(document.body.version.links.filter((link: { rel: string }) => link.rel === 'self')).toEqual(links)
  }
  for (const path of ['/compute/v2', '/compute/v2/'])
    expect((await plimsoll.nobody.get(path)).body.version.id).toBe('v2.0')
})

test('a microversion is echoed, and refused outside of the range', async () => {
  const nova = plimsoll.as('demo')
  const asked = await nova.get('/compute/v2.1/flavors', { 'X-OpenStack-Nova-API-Version': '2.61' })
  expect(asked.headers.get('X-OpenStack-Nova-API-Version')).toBe('2.61')
  expect(asked.headers.get('OpenStack-API-Version')).toBe('compute 2.61')
  expect(asked.headers.get('X-Compute-Request-Id')).toBe(asked.headers.get('X-Openstack-Request-Id'))
  expect((await nova.get('/compute/v2.1/flavors', { 'OpenStack-API-Version': 'compute 2.97' })).status).toBe(406)
  expect((await nova.get('/compute/v2.1/flavors', { 'OpenStack-API-Version': 'compute two' })).status).toBe(400)
})

test('what is not there is 404 in words of its own', async () => {
  expect((await plimsoll.as('demo').get('/compute/v2.1/nothing')).body.itemNotFound.code).toBe(404)
  expect((await plimsoll.as('demo').get('/compute/v3')).status).toBe(404)
})
