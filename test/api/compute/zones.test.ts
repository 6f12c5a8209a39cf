import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import { bindings, cloudHosts, clouds, servers, zones } from '../../../db/schema/index.ts'
import { connectCloud } from '../../../functions/broker/clouds/clouds.ts'
import { refreshInventory } from '../../../functions/broker/clouds/inventory.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const NOVA = '/compute/v2.1'
const at = (minor: number) => ({ 'OpenStack-API-Version': `compute 2.${minor}` })
const flavor = {
  id: '2',
  name: 'm1.small',
  vcpus: 2,
  ramMib: 2048,
  diskGib: 20,
  ephemeralGib: 0,
  swapMib: 0,
  extraSpecs: {},
}
const HOUR = 3_600_000

let plimsoll: Plimsoll
let zone: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  zone = (await plimsoll.db.select().from(zones))[0]!.name
})
const addServer = (id: string, fields: Partial<typeof servers.$inferInsert> = {}) => {
  const times = { createdAt: plimsoll.clock.now, updatedAt: plimsoll.clock.now, launchedAt: plimsoll.clock.now }
  const place = { cloudId: plimsoll.cloudId('sandbox'), zone }
  const owner = { projectId: plimsoll.projectId('demo'), userId: plimsoll.userId('demo') }
  return plimsoll.db
    .insert(servers)
    .values({ id, name: id, hostname: id, flavor, vmState: 'active', ...times, ...place, ...owner, ...fields })
}
const setCloud = (set: Partial<typeof clouds.$inferInsert>) =>
  plimsoll.db.update(clouds).set(set).where(eq(clouds.name, 'sandbox'))

describe('availability zones', () => {
  const path = `${NOVA}/os-availability-zone`
  test('are those of the clouds that the project may use', async () => {
    const { status, body } = await plimsoll.as('demo').get(path)
    expect(status).toBe(200)
    expect(body.availabilityZoneInfo[0]).toEqual({
      zoneName: `sandbox.${zone}`,
      zoneState: { available: true },
      hosts: null,
    })
    await plimsoll.newProject('apart')
    expect((await plimsoll.as('apart').get(path)).body).toEqual({ availabilityZoneInfo: [] })
  })

  test('are not available while their cloud is disabled or does not answer', async () => {
    const available = async () => (await plimsoll.as('demo').get(path)).body.availabilityZoneInfo[0].zoneState.available
    await setCloud({ breakerOpenUntil: plimsoll.clock.now + 1 })
    expect(await available()).toBe(false)
    await setCloud({ breakerOpenUntil: 0, enabled: false })
    expect(await available()).toBe(false)
    expect((await plimsoll.as('admin').get(`${path}/detail`)).body.availabilityZoneInfo[0].hosts).toBeNull()
  })

  test('have their cloud as a host, for admins', async () => {
    expect((await plimsoll.as('demo').get(`${path}/detail`)).status).toBe(403)
    const { body } = await plimsoll.as('admin').get(`${path}/detail`)
    expect(body.availabilityZoneInfo[0].hosts.sandbox['nova-compute']).toEqual({
      available: true,
      active: true,
      updated_at: '2026-03-01T12:00:00.000000',
    })
  })
})

describe('to operators', () => {
  test('a cloud is a service', async () => {
    const admin = plimsoll.as('admin')
    const { body } = await admin.get(`${NOVA}/os-services`)
    expect(body.services).toEqual([
      {
        id: expect.any(Number),
        binary: 'nova-compute',
        host: 'sandbox',
        zone: 'sandbox',
        status: 'enabled',
        state: 'up',
        updated_at: '2026-03-01T12:00:00.000000',
        disabled_reason: null,
      },
    ])
    const [recent] = (await admin.get(`${NOVA}/os-services?host=sandbox`, at(96))).body.services
    expect(recent).toMatchObject({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), forced_down: false })
    expect((await admin.get(`${NOVA}/os-services?binary=nova-api`)).body.services).toEqual([])
    expect((await plimsoll.as('demo').get(`${NOVA}/os-services`)).status).toBe(403)
  })

  test('so is each machine of a cloud that tells them apart, and one that is silent keeps the date of its last answer', async () => {
    const admin = plimsoll.as('admin')
    const row = (await cloudById(plimsoll.db, plimsoll.cloudId('sandbox')))!
    const { cloud } = await connectCloud(plimsoll.host, row, null)
    const silent = new Set<string>()
    const { zones: tell } = cloud
    cloud.zones = async () =>
      (await tell()).map((told, i) => ({
        ...told,
        ...(i ? {} : { hosts: ['kvm1', 'kvm2'].map((name) => ({ name, answers: !silent.has(name) })) }),
      }))
    const look = async () => {
      await refreshInventory(plimsoll.context(), row)
      const { services } = (await admin.get(`${NOVA}/os-services`)).body
      return services.map((each: Record<string, unknown>) => [each.host, each.zone, each.state, each.updated_at])
    }
    const before = '2026-03-01T12:00:00.000000'
    expect(await look()).toEqual([
      ['sandbox', 'sandbox', 'up', before],
      ['sandbox.kvm1', `sandbox.${zone}`, 'up', before],
      ['sandbox.kvm2', `sandbox.${zone}`, 'up', before],
    ])
    silent.add('kvm2')
    plimsoll.clock.now += HOUR
    const after = '2026-03-01T13:00:00.000000'
    expect((await look()).slice(1)).toEqual([
      ['sandbox.kvm1', `sandbox.${zone}`, 'up', after],
      ['sandbox.kvm2', `sandbox.${zone}`, 'down', before],
    ])
    expect((await admin.get('/broker/v1/clouds/sandbox')).body.cloud.hosts).toEqual([
      { name: 'kvm1', zone, state: 'up', seen_at: '2026-03-01T13:00:00.000Z' },
      { name: 'kvm2', zone, state: 'down', seen_at: '2026-03-01T12:00:00.000Z' },
    ])
    // It is asked again in a minute, and all of them are down where the cloud as a whole is.
    const { inventoryDueAt } = (await cloudById(plimsoll.db, row.id))!
    expect(inventoryDueAt - plimsoll.clock.now).toBe(60_000)
    await setCloud({ breakerOpenUntil: plimsoll.clock.now + 1 })
    const states = (await admin.get('/broker/v1/clouds/sandbox')).body.cloud.hosts.map(
      ({ state }: { state: string }) => state,
    )
    expect(states).toEqual(['down', 'down'])
    cloud.zones = tell
    await setCloud({ breakerOpenUntil: 0 })
    expect(await look()).toEqual([['sandbox', 'sandbox', 'up', after]])
    expect((await admin.get('/broker/v1/clouds/sandbox')).body.cloud.hosts).toBeNull()
  })

  test('a server shows how its host is: the machine that runs it, where its cloud tells them apart', async () => {
    const admin = plimsoll.as('admin')
    const machine = (name: string, answers: boolean) =>
      plimsoll.db
        .insert(cloudHosts)
        .values({ cloudId: plimsoll.cloudId('sandbox'), zone, name, answers })
        .onConflictDoUpdate({ target: [cloudHosts.cloudId, cloudHosts.name], set: { answers } })
    for (const id of ['on1', 'on2']) {
      await addServer(id)
      const about = { kind: 'server', resourceId: id, projectId: plimsoll.projectId('demo'), token: id } as const
      const times = { createdAt: plimsoll.clock.now, updatedAt: plimsoll.clock.now }
      const nativeId = `${id.replace('on', 'kvm')}/${id}`
      await plimsoll.db
        .insert(bindings)
        .values({ ...about, ...times, cloudId: plimsoll.cloudId('sandbox'), nativeId, phase: 'bound' })
    }
    await addServer('coming')
    await addServer('nowhere', { cloudId: null, zone: null })
    const shown = async () => {
      const { body } = await admin.get(
        `${NOVA}/servers/detail?all_tenants=1&sort_key=display_name&sort_dir=asc`,
        at(16),
      )
      for (const { id, host_status } of body.servers)
        expect((await admin.get(`${NOVA}/servers/${id}`, at(16))).body.server.host_status, id).toBe(host_status)
      return body.servers.map((each: Record<string, string>) => `${each.id} ${each.host_status}`.trim())
    }
    const all = (coming: string, on1: string, on2: string) => [
      `coming ${coming}`,
      'nowhere',
      `on1 ${on1}`,
      `on2 ${on2}`,
    ]
    expect(await shown(), 'of a cloud that tells of none').toEqual(all('UP', 'UP', 'UP'))
    await machine('kvm1', true)
    await machine('kvm2', false)
    expect(await shown()).toEqual(all('UP', 'UP', 'UNKNOWN'))
    await machine('kvm1', false)
    expect(await shown(), 'nothing of the zone answers').toEqual(all('UNKNOWN', 'UNKNOWN', 'UNKNOWN'))
    for (const name of ['kvm1', 'kvm2']) await machine(name, true)
    await setCloud({ breakerOpenUntil: plimsoll.clock.now + 1 })
    expect(await shown(), 'the cloud is left alone').toEqual(all('UNKNOWN', 'UNKNOWN', 'UNKNOWN'))
    await setCloud({ breakerOpenUntil: 0, enabled: false })
    expect(await shown()).toEqual(all('MAINTENANCE', 'MAINTENANCE', 'MAINTENANCE'))
  })

  test('a zone is a hypervisor with what our servers take of it', async () => {
    await addServer('s1')
    await addServer('s2', { deletedAt: plimsoll.clock.now })
    const admin = plimsoll.as('admin')
    const { body } = await admin.get(`${NOVA}/os-hypervisors/detail`)
    const [first] = body.hypervisors
    expect(first).toMatchObject({
      id: expect.any(Number),
      hypervisor_hostname: `sandbox.${zone}`,
      hypervisor_type: 'sandbox',
      state: 'up',
      status: 'enabled',
      vcpus_used: 2,
      memory_mb_used: 2048,
      running_vms: 1,
      cpu_info: '',
      service: { host: 'sandbox', id: expect.any(Number), disabled_reason: null },
    })
    const sums = (await admin.get(`${NOVA}/os-hypervisors/statistics`)).body.hypervisor_statistics
    expect(sums).toMatchObject({
      count: body.hypervisors.length,
      vcpus_used: 2,
      running_vms: 1,
      disk_available_least: null,
    })
    expect((await admin.get(`${NOVA}/os-hypervisors/statistics`, at(88))).status).toBe(404)
    const brief = (await admin.get(`${NOVA}/os-hypervisors`)).body.hypervisors[0]
    expect(Object.keys(brief).sort()).toEqual(['hypervisor_hostname', 'id', 'state', 'status'])
    expect((await admin.get(`${NOVA}/os-hypervisors/${first.id}`)).body.hypervisor).toEqual(first)
    expect((await admin.get(`${NOVA}/os-hypervisors/${first.id}/uptime`)).status).toBe(501)
    expect((await admin.get(`${NOVA}/os-hypervisors/0`)).status).toBe(404)
    const searched = await admin.get(`${NOVA}/os-hypervisors/sandbox/search`)
    expect(searched.body.hypervisors[0]).toEqual(brief)
    const withServers = await admin.get(`${NOVA}/os-hypervisors/sandbox/servers`)
    expect(withServers.body.hypervisors[0].servers).toEqual([{ name: 's1', uuid: 's1' }])
    expect((await admin.get(`${NOVA}/os-hypervisors/nothing/search`)).status).toBe(404)
  })

  test('hypervisors have UUIDs, pages and patterns later on', async () => {
    await addServer('s1')
    const admin = plimsoll.as('admin')
    const path = `${NOVA}/os-hypervisors`
    const all = (await admin.get(`${path}/detail?with_servers=True`, at(88))).body.hypervisors
    expect(all[0]).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      uptime: null,
      servers: [{ name: 's1', uuid: 's1' }],
    })
    expect(all[0]).not.toHaveProperty('vcpus')
    expect((await admin.get(`${path}/detail`, at(28))).body.hypervisors[0].cpu_info).toEqual({})
    const page = (await admin.get(`${path}?limit=1`, at(53))).body
    expect(page.hypervisors_links[0].href).toContain(`marker=${all[0].id}`)
    const rest = (await admin.get(page.hypervisors_links[0].href, at(53))).body.hypervisors
    expect(rest).not.toContainEqual(page.hypervisors[0])
    expect((await admin.get(`${path}?hypervisor_hostname_pattern=sandbox`, at(53))).body.hypervisors).toHaveLength(
      all.length,
    )
    expect((await admin.get(`${path}?hypervisor_hostname_pattern=nothing`, at(53))).status).toBe(404)
    expect((await admin.get(`${path}?hypervisor_hostname_pattern=x&limit=1`, at(53))).status).toBe(400)
    expect((await admin.get(`${path}?with_servers=perhaps`, at(53))).status).toBe(400)
    expect((await admin.get(`${path}?marker=x`, at(53))).status).toBe(400)
    expect((await admin.get(`${path}/17`, at(53))).body.badRequest.message).toBe('Invalid uuid 17')
    expect((await admin.get(`${path}/sandbox/search`, at(53))).status).toBe(404)
    expect((await plimsoll.as('demo').get(path)).status).toBe(403)
  })
})

describe('usage', () => {
  const path = `${NOVA}/os-simple-tenant-usage`
  const iso = (ms: number) => new Date(ms).toISOString().slice(0, 19)

  test('is nothing yet of the moment that is meant when no period is named', async () => {
    await addServer('s1')
    const { status, body } = await plimsoll.as('demo').get(`${path}/${plimsoll.projectId('demo')}`)
    expect([status, body.tenant_usage.total_hours]).toEqual([200, 0])
    expect((await plimsoll.as('admin').get(path)).body.tenant_usages).toHaveLength(1)
    expect((await plimsoll.as('admin').get(`${path}?start=${iso(plimsoll.clock.now + HOUR)}`)).status).toBe(400)
  })

  test('is hours times size, from the first start to the end', async () => {
    const start = plimsoll.clock.now
    await addServer('s1')
    await addServer('s2', { deletedAt: start + HOUR, terminatedAt: start + HOUR })
    await addServer('s3', { launchedAt: null })
    plimsoll.clock.advance(4 * HOUR)
    const period = `start=${iso(start - HOUR)}&end=${iso(start + 2 * HOUR)}`
    const project = plimsoll.projectId('demo')
    const { status, body } = await plimsoll.as('demo').get(`${path}/${project}?${period}`)
    expect(status).toBe(200)
    expect(body.tenant_usage).toMatchObject({
      tenant_id: project,
      total_hours: 3,
      total_vcpus_usage: 6,
      total_memory_mb_usage: 3 * 2048,
      total_local_gb_usage: 60,
      start: '2026-03-01T11:00:00.000000',
    })
    expect(body.tenant_usage.server_usages).toEqual([
      expect.objectContaining({ instance_id: 's1', hours: 2, state: 'active', ended_at: null, uptime: 4 * 3600 }),
      expect.objectContaining({
        instance_id: 's2',
        hours: 1,
        state: 'terminated',
        ended_at: '2026-03-01T13:00:00.000000',
        uptime: 3600,
      }),
    ])
    const all = (await plimsoll.as('admin').get(`${path}?${period}`)).body.tenant_usages
    expect(all).toEqual([expect.objectContaining({ tenant_id: project, total_hours: 3 })])
    expect(all[0]).not.toHaveProperty('server_usages')
    expect(
      (await plimsoll.as('admin').get(`${path}?${period}&detailed=1`)).body.tenant_usages[0].server_usages,
    ).toHaveLength(2)
    const paged = await plimsoll.as('demo').get(`${path}/${project}?${period}&limit=1`, at(40))
    expect(paged.body.tenant_usage_links[0].href).toContain('marker=s1')
  })

  test("is empty without servers, and nobody else's to see", async () => {
    const project = plimsoll.projectId('demo')
    const period = `start=${iso(plimsoll.clock.now - HOUR)}`
    expect((await plimsoll.as('demo').get(`${path}/${project}?${period}`)).body).toEqual({ tenant_usage: {} })
    expect((await plimsoll.as('demo').get(`${path}/${plimsoll.projectId('admin')}?${period}`)).status).toBe(403)
    expect((await plimsoll.as('demo').get(`${path}?${period}`)).status).toBe(403)
    expect((await plimsoll.as('demo').get(`${path}/${project}?start=yesterday`)).status).toBe(400)
    expect((await plimsoll.as('demo').get(`${path}/${project}?end=${iso(plimsoll.clock.now - HOUR)}`)).status).toBe(400)
  })
})
