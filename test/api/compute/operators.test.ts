import { beforeEach, describe, expect, test } from 'vitest'
import { NOVA, newWorld, type World } from './servers/world.ts'

let w: World
beforeEach(async () => {
  w = await newWorld()
})

describe('hosts', () => {
  test('are clouds, up to 2.42, with what they have and what is taken of it', async () => {
    await w.running()
    const old = w.admin.with({ 'OpenStack-API-Version': 'compute 2.42' })
    const host = { host_name: 'sandbox', service: 'compute', zone: 'sandbox' }
    expect((await old.get(`${NOVA}/os-hosts`)).body.hosts).toEqual([host])
    expect((await old.get(`${NOVA}/os-hosts?zone=sandbox`)).body.hosts).toEqual([host])
    expect((await old.get(`${NOVA}/os-hosts?zone=moon`)).body.hosts).toEqual([])
    const { body } = await old.get(`${NOVA}/os-hosts/sandbox`)
    const [total, now, most] = body.host.map(({ resource }: { resource: Record<string, unknown> }) => resource)
    expect([total.project, now.project, most.project]).toEqual(['(total)', '(used_now)', '(used_max)'])
    expect(now).toMatchObject({ host: 'sandbox', cpu: 1 })
    expect(total.cpu).toBeGreaterThan(now.cpu)
    expect((await old.get(`${NOVA}/os-hosts/moon`)).body.itemNotFound.message).toBe(
      'Compute host moon could not be found.',
    )
    expect((await w.admin.with({ 'OpenStack-API-Version': 'compute 2.43' }).get(`${NOVA}/os-hosts`)).status).toBe(404)
  })

  test('take no new servers while they are disabled', async () => {
    const old = w.admin.with({ 'OpenStack-API-Version': 'compute 2.1' })
    const { status, body } = await old.put(`${NOVA}/os-hosts/sandbox`, { status: 'disable' })
    expect([status, body]).toEqual([200, { host: 'sandbox', status: 'disabled' }])
    expect((await w.server((await w.boot()).body.server.id)).status).toBe('ERROR')
    expect((await old.put(`${NOVA}/os-hosts/sandbox`, { status: 'Enable' })).body.status).toBe('enabled')
    await w.running()
    expect((await old.put(`${NOVA}/os-hosts/moon`, { status: 'enable' })).status).toBe(404)
  })

  test('are not switched from here, and are for administrators', async () => {
    const old = w.admin.with({ 'OpenStack-API-Version': 'compute 2.1' })
    for (const verb of ['startup', 'shutdown', 'reboot']) {
      const { status, body } = await old.get(`${NOVA}/os-hosts/sandbox/${verb}`)
      expect([status, Object.values(body)]).toEqual([501, [expect.objectContaining({ code: 501 })]])
    }
    expect((await old.get(`${NOVA}/os-hosts/moon/reboot`)).status).toBe(404)
    expect((await old.put(`${NOVA}/os-hosts/sandbox`, { maintenance_mode: 'enable' })).status).toBe(501)
    for (const junk of [{}, { status: 'off' }, { more: 1 }])
      expect((await old.put(`${NOVA}/os-hosts/sandbox`, junk)).status).toBe(400)
    expect((await w.demo.get(`${NOVA}/os-hosts`)).status).toBe(403)
  })
})

describe('an event from outside', () => {
  const tell = (events: object[], client = w.admin) => client.post(`${NOVA}/os-server-external-events`, { events })
  const changed = (server_uuid: string) => ({ name: 'network-changed', server_uuid })

  test('is a reason to ask the cloud of a server how it is', async () => {
    const id = await w.running()
    await w.plimsoll.settle()
    const due = async () =>
      (await w.admin.get(`/broker/v1/bindings?resource_id=${id}&kind=server`)).body.bindings[0].due_at as string | null
    const before = await due()
    const { status, body } = await tell([changed(id)])
    expect([status, body.events]).toEqual([200, [{ ...changed(id), status: 'completed', code: 200 }]])
    expect(await due()).not.toBe(before)
    await w.plimsoll.settle()
    expect((await w.server(id)).status).toBe('ACTIVE')
  })

  test('of a server that is not there is told from others', async () => {
    const id = await w.running()
    const gone = crypto.randomUUID()
    const both = await tell([changed(id), { ...changed(gone), tag: 'a' }])
    expect([both.status, both.body.events.map(({ code }: { code: number }) => code)]).toEqual([207, [200, 404]])
    expect((await tell([changed(gone)])).status).toBe(404)
    expect((await tell([])).status).toBe(400)
    expect((await tell([{ name: 'volume-extended', server_uuid: id }])).status).toBe(400)
    const later = w.admin.with({ 'OpenStack-API-Version': 'compute 2.51' })
    expect((await tell([{ name: 'volume-extended', server_uuid: id }], later)).status).toBe(200)
    expect((await tell(Array.from({ length: 101 }, () => changed(id)))).status).toBe(400)
    expect((await tell([changed(id)], w.demo)).status).toBe(403)
  })
})

test('no host has audited its usage, which is metered as it comes', async () => {
  const path = `${NOVA}/os-instance_usage_audit_log`
  const said = {
    num_hosts: 1,
    num_hosts_not_run: 1,
    hosts_not_run: ['sandbox'],
    overall_status: '0 of 1 hosts done. 0 errors.',
  }
  expect((await w.admin.get(path)).body.instance_usage_audit_logs).toMatchObject(said)
  const { body } = await w.admin.get(`${path}/2026-03-05 10:00:00`)
  expect(body.instance_usage_audit_log).toMatchObject({
    ...{ ...said, period_beginning: '2026-02-01 00:00:00', period_ending: '2026-03-01 00:00:00' },
  })
  for (const odd of ['2026-99-01', '2026-02-03 99:99:99', 'yesterday'])
    expect((await w.admin.get(`${path}/${odd}`)).status).toBe(400)
  const bad = await w.admin.get(`${path}/2026-02-31`)
  expect([bad.status, bad.body.badRequest.message]).toEqual([400, 'Invalid timestamp for date 2026-02-31'])
  expect((await w.demo.get(path)).status).toBe(403)
})
