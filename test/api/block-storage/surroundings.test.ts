import { beforeEach, describe, expect, it } from 'vitest'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let base: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  base = `/volume/v3/${plimsoll.projectId('demo')}`
})
const at = (version: string, who = 'demo') => plimsoll.as(who).with({ 'OpenStack-API-Version': `volume ${version}` })

describe('versions', () => {
  it('are told to anybody', async () => {
    for (const path of ['/volume', '/volume/', '/volume/v3', '/volume/v3/']) {
      const { status, body } = await plimsoll.nobody.get(path)
      expect(status).toBe(path.includes('v3') ? 200 : 300)
      expect(body.versions[0]).toMatchObject({ id: 'v3.0', status: 'CURRENT', version: '3.70', min_version: '3.0' })
      expect(body.versions[0].links).toContainEqual({ rel: 'self', href: 'http://plimsoll.test/volume/v3/' })
      expect(body.versions[0]['media-types']).toEqual([
        { base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' },
      ])
    }
    expect((await at('3.71').get(`${base}/volumes`)).status).toBe(406)
  })
})

describe('quotas and limits', () => {
  const names = ['volumes', 'snapshots', 'gigabytes', 'backups', 'backup_gigabytes', 'groups', 'per_volume_gigabytes']

  it('are read by their project and set by admins', async () => {
    const project = plimsoll.projectId('demo')
    const path = `${base}/os-quota-sets/${project}`
    const { body } = await at('3.0').get(path)
    expect(Object.keys(body.quota_set).sort()).toEqual(['id', ...names].sort())
    expect((await at('3.0').get(`${base}/os-quota-sets/${project}/defaults`)).body.quota_set).toEqual(body.quota_set)
    expect((await at('3.0').get(`${base}/os-quota-sets/${plimsoll.projectId('admin')}`)).status).toBe(403)
    expect((await at('3.0').put(path, { quota_set: { volumes: 1 } })).status).toBe(403)
    const admin = at('3.0', 'admin')
    const set = await admin.put(`${base}/os-quota-sets/${project}`, { quota_set: { volumes: '7', tenant_id: project } })
    expect([set.status, set.body.quota_set.volumes, set.body.quota_set.id]).toEqual([200, 7, undefined])
    const bad = await admin.put(path, { quota_set: { bananas: 1 } })
    expect([bad.status, bad.body.badRequest.message]).toEqual([
      400,
      expect.stringContaining('Bad key(s) in quota set: bananas'),
    ])
    expect((await admin.put(path, { quota_set: { volumes: -2 } })).status).toBe(400)
    await at('3.0').post(`${base}/volumes`, { volume: { size: 2 } })
    expect((await admin.put(path, { quota_set: { gigabytes: 1 } })).body.badRequest.message).toContain(
      'Current usage is 2',
    )
    expect((await admin.delete(`${base}/os-quota-sets/${project}`)).status).toBe(200)
    expect((await at('3.0').get(path)).body.quota_set.volumes).toBe(100)
    expect((await admin.get(`${base}/os-quota-class-sets/default`)).body.quota_class_set.volumes).toBe(100)
  })

  it('are shown together', async () => {
    const { body } = await at('3.70').get(`${base}/limits`)
    expect(body.limits.rate).toEqual([])
    expect(body.limits.absolute).toMatchObject({ maxTotalVolumes: 100, totalVolumesUsed: 0, maxTotalBackups: 10 })
  })
})

describe('what else clients ask for', () => {
  it('is a list of what is there', async () => {
    const { body } = await at('3.0').get(`${base}/extensions`)
    expect(body.extensions.map(({ name }: { name: string }) => name)).toContain('Hosts')
    expect((await at('3.0').get(`${base}/extensions/os-hosts`)).body.extension.alias).toBe('os-hosts')
    expect((await at('3.0').get(`${base}/extensions/none`)).status).toBe(404)
    const hosts = (await at('3.0', 'admin').get(`${base}/os-hosts`)).body.hosts
    expect(hosts[0]).toMatchObject({ host_name: 'sandbox@a', zone: 'sandbox.a', service: 'cinder-volume' })
    await at('3.0').post(`${base}/volumes`, { volume: { size: 3, availability_zone: 'sandbox.a' } })
    const shown = await at('3.0', 'admin').get(`${base}/os-hosts/sandbox@a`)
    const held = { volume_count: '1', total_volume_gb: '3', snapshot_count: '0', total_snapshot_gb: '0' }
    expect(shown.body.host).toEqual([
      { resource: { host: 'sandbox@a', project: '(total)', ...held } },
      { resource: { host: 'sandbox@a', project: plimsoll.projectId('demo'), ...held } },
    ])
    expect((await at('3.0', 'admin').get(`${base}/os-hosts/elsewhere@a`)).status).toBe(404)
    expect((await at('3.0').get(`${base}/os-availability-zone`)).body.availabilityZoneInfo).toHaveLength(2)
    expect((await at('3.33').get(`${base}/resource_filters?resource=group`)).body).toEqual({
      resource_filters: [{ resource: 'group', filters: ['name'] }],
    })
  })

  it('is nothing that Cinder has removed, and no cluster', async () => {
    const admin = at('3.70', 'admin')
    for (const gone of ['consistencygroups', 'cgsnapshots'])
      expect((await admin.get(`${base}/${gone}`)).status).toBe(404)
    expect((await admin.get(`${base}/clusters`)).body).toEqual({ clusters: [] })
    expect((await admin.get(`${base}/clusters/detail`)).body).toEqual({ clusters: [] })
    expect((await admin.get(`${base}/clusters/x`)).status).toBe(404)
  })
})
