import { beforeAll, describe, expect, test } from 'vitest'
import { operations } from '../../functions/app.ts'
import { type Answer, type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { changes, pathOf, type Route, titleOf, versionHeader, versionOf } from './calls.ts'

let plimsoll: Plimsoll
beforeAll(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
})

const routes = operations.map((route): [string, Route] => [titleOf(route), route])
const somewhere = (route: Route) =>
  pathOf(route, ({ name }) => (name === 'project_id' ? plimsoll.projectId('demo') : 'x'))
const globalId = 'req-8a7b8ff6-1b1c-4a3e-9d5e-0a3a6c1c2f11'

/** It is nobody else's to keep, nothing but what it says, and known by an id that was made here. */
const isPrivate = ({ headers }: Answer, names: string[] = ['X-Openstack-Request-Id']) => {
  expect(headers.get('Cache-Control')).toBe('no-store')
  expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
  for (const name of names) {
    expect(headers.get(name), name).toMatch(/^req-[0-9a-f-]{36}$/)
    expect(headers.get(name), name).not.toBe(globalId)
  }
}

describe('every answer is kept by no cache, read as nothing else, and has an id made here', () => {
  test.each(routes)('%s', async (_, route) => {
    const { requestIdHeaders } = route.service.dialect
    const headers = { ...versionHeader(route, versionOf(route)), 'X-OpenStack-Request-ID': globalId }
    const { method } = route.operation
    for (const who of [plimsoll.as('admin'), plimsoll.as('demo'), plimsoll.nobody])
      isPrivate(await who.send(method, somewhere(route), changes(route) ? {} : undefined, headers), requestIdHeaders)
  })

  test.each(['/healthz', '/nowhere', '/compute/v2.1/nowhere', '/network/v2.0/networks/x/y'])('%s', async (path) => {
    isPrivate(await plimsoll.nobody.get(path))
    isPrivate(await plimsoll.nobody.delete(path))
  })

  test('data of an image, whole and in part', async () => {
    const demo = plimsoll.as('demo')
    const formats = { disk_format: 'raw', container_format: 'bare' }
    const { id } = (await demo.post('/image/v2/images', { name: 'data', ...formats })).body
    const data = { 'Content-Type': 'application/octet-stream' }
    isPrivate(await demo.put(`/image/v2/images/${id}/file`, new Uint8Array(512), data))
    isPrivate(await demo.get(`/image/v2/images/${id}/file`))
    isPrivate(await demo.get(`/image/v2/images/${id}/file`, { Range: 'bytes=0-9' }))
  })
})
