import { beforeEach, describe, expect, test } from 'vitest'
import { NOVA, newWorld, type World } from '../../compute/servers/world.ts'

let w: World
beforeEach(async () => {
  w = await newWorld()
})

const kin = async (id: string) => (await w.demo.get(`/broker/v1/servers/${id}/forks`)).body

describe('where a server stands among its forks', () => {
  test('is told of parent and fork', async () => {
    const parent = await w.running({ name: 'golden' })
    expect(await kin(parent)).toEqual({ parent: null, forks: [] })
    const { body } = await w.newest.post(`${NOVA}/servers`, {
      server: { name: 'worker', flavorRef: '1', networks: 'auto' },
      'os:scheduler_hints': { 'plimsoll:fork_of': parent },
    })
    await w.plimsoll.settle()
    const fork = body.server.id
    expect(await kin(parent)).toEqual({ parent: null, forks: [{ id: fork, name: 'worker', status: 'ACTIVE' }] })
    expect(await kin(fork)).toEqual({ parent: { id: parent, name: 'golden', status: 'ACTIVE' }, forks: [] })
  })

  test('is nobody else’s to know', async () => {
    const id = await w.running({})
    await w.plimsoll.newProject('other', { clouds: ['sandbox'] })
    const { status } = await w.plimsoll.as('other').get(`/broker/v1/servers/${id}/forks`)
    expect(status).toBe(404)
  })
})
