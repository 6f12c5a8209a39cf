import { beforeEach, describe, expect, test } from 'vitest'
import { NOVA, newWorld, type World } from './world.ts'

let w: World
beforeEach(async () => {
  w = await newWorld()
})

describe('the life of a server', () => {
  test('from creation to its end', async () => {
    const created = await w.boot({}, w.demo)
    expect(created.status).toBe(202)
    expect(Object.keys(created.body.server).sort()).toEqual([
      'OS-DCF:diskConfig',
      'adminPass',
      'id',
      'links',
      'security_groups',
    ])
    const { id } = created.body.server
    expect(created.headers.get('location')).toBe(created.body.server.links[0].href)
    const building = await w.server(id)
    expect(building).toMatchObject({
      status: 'BUILD',
      'OS-EXT-STS:task_state': 'scheduling',
      addresses: {},
      progress: 0,
    })
    await w.plimsoll.settle()
    const server = await w.server(id)
    expect(server).toMatchObject({
      status: 'ACTIVE',
      'OS-EXT-STS:task_state': null,
      'OS-EXT-STS:vm_state': 'active',
      'OS-EXT-STS:power_state': 1,
      'OS-EXT-AZ:availability_zone': expect.stringMatching(/^sandbox\.[ab]$/),
      progress: 100,
      security_groups: [{ name: 'default' }],
      flavor: { original_name: 'm1.tiny', vcpus: 1, ram: 512 },
    })
    expect(server.hostId).toMatch(/^[0-9a-f]{56}$/)
    expect(server.addresses.private).toEqual([
      {
        version: 4,
        addr: expect.stringMatching(/^10\.0\.0\.\d+$/),
        'OS-EXT-IPS:type': 'fixed',
        'OS-EXT-IPS-MAC:mac_addr': expect.stringMatching(/^fa:16:3e:/),
      },
    ])
    expect((await w.demo.delete(`${NOVA}/servers/${id}`)).status).toBe(204)
    expect(await w.server(id)).toMatchObject({ 'OS-EXT-STS:task_state': 'deleting' })
    expect((await w.demo.delete(`${NOVA}/servers/${id}`)).status).toBe(204)
    await w.plimsoll.settle()
    expect((await w.demo.get(`${NOVA}/servers/${id}`)).status).toBe(404)
    expect((await w.demo.delete(`${NOVA}/servers/${id}`)).status).toBe(404)
    const ports = await w.demo.get('/network/v2.0/ports')
    expect(ports.body.ports).toEqual([])
    const limits = await w.demo.get(`${NOVA}/limits`)
    expect(limits.body.limits.absolute).toMatchObject({ totalInstancesUsed: 0, totalCoresUsed: 0, totalRAMUsed: 0 })
  })
})
