import { beforeEach, describe, expect, test } from 'vitest'
import { charge } from '../../../functions/broker/line/commit.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const NOVA = '/compute/v2.1'
const at = (minor: number) => ({ 'OpenStack-API-Version': `compute 2.${minor}` })
const ALWAYS = ['cores', 'instances', 'key_pairs', 'metadata_items', 'ram', 'server_group_members', 'server_groups']
const INJECTED = ['injected_file_content_bytes', 'injected_file_path_bytes', 'injected_files']
const NETWORK = ['fixed_ips', 'floating_ips', 'security_group_rules', 'security_groups']

let plimsoll: Plimsoll
let project: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  project = plimsoll.projectId('demo')
})
const sets = () => `${NOVA}/os-quota-sets/${project}`
const use = (resource: string, amount: number) => plimsoll.db.batch([charge(project, resource, amount)])

describe('quota sets', () => {
  test.each([
    [1, [...ALWAYS, ...INJECTED, ...NETWORK]],
    [35, [...ALWAYS, ...INJECTED, ...NETWORK]],
    [36, [...ALWAYS, ...INJECTED]],
    [57, ALWAYS],
    [96, ALWAYS],
  ])('have the fields of 2.%i', async (minor, fields) => {
    for (const path of ['', '/defaults', '/detail']) {
      const { status, body } = await plimsoll.as('demo').get(sets() + path, at(minor))
      expect(status).toBe(200)
      expect(Object.keys(body.quota_set).sort()).toEqual(['id', ...fields].sort())
      expect(body.quota_set.id).toBe(project)
    }
  })

  test('are set by an admin, shown to the project, and reset', async () => {
    const admin = plimsoll.as('admin')
    const { status, body } = await admin.put(sets(), {
      quota_set: { cores: '8', floating_ips: 3, fixed_ips: 7, ram: -1 },
    })
    expect(status).toBe(200)
    expect(body.quota_set).toMatchObject({ cores: 8, floating_ips: 3, fixed_ips: 7, ram: -1, instances: 100 })
    expect(body.quota_set).not.toHaveProperty('id')
    const shown = (await plimsoll.as('demo').get(`${sets()}?user_id=${plimsoll.userId('demo')}`)).body.quota_set
    expect(shown).toMatchObject({ cores: 8, ram: -1 })
    expect((await plimsoll.as('demo').get(`${sets()}/defaults`)).body.quota_set.cores).toBe(400)
    const reset = await admin.delete(sets())
    expect([reset.status, reset.body]).toEqual([202, null])
    expect((await plimsoll.as('demo').get(sets())).body.quota_set).toMatchObject({ cores: 400, ram: 1048576 })
  })

  test('show what is used, and do not go below it unless forced', async () => {
    await use('instances', 3)
    expect((await plimsoll.as('demo').get(`${sets()}/detail`)).body.quota_set.instances).toEqual({
      limit: 100,
      in_use: 3,
      reserved: 0,
    })
    const low = await plimsoll.as('admin').put(sets(), { quota_set: { instances: 2 } })
    expect([low.status, low.body.badRequest.message]).toEqual([
      400,
      'Quota limit 2 for instances must be greater than or equal to already used and reserved 3.',
    ])
    expect((await plimsoll.as('admin').put(sets(), { quota_set: { instances: 2, force: 'True' } })).status).toBe(200)
    await expect(use('instances', 1)).rejects.toThrow()
    await use('instances', -1)
  })

  test.each([
    [{ cores: -2 }, 1],
    [{ cores: 'many' }, 1],
    [{ networks: 1 }, 1],
    [{ floating_ips: 1 }, 36],
    [{ injected_files: 1 }, 57],
  ])('%j is refused at 2.%i', async (quota_set, minor) => {
    expect((await plimsoll.as('admin').put(sets(), { quota_set }, at(minor))).status).toBe(400)
  })

  test("are one's own, or for admins to see", async () => {
    await plimsoll.newProject('other')
    const others = `${NOVA}/os-quota-sets/${plimsoll.projectId('other')}`
    expect((await plimsoll.as('demo').get(others)).status).toBe(403)
    expect((await plimsoll.as('demo').put(sets(), { quota_set: { cores: 9 } })).status).toBe(403)
    expect((await plimsoll.as('admin').get(others)).status).toBe(200)
    const unknown = await plimsoll.as('admin').get(`${NOVA}/os-quota-sets/nobody`)
    expect([unknown.status, unknown.body.badRequest.message]).toEqual([
      400,
      'Project ID nobody is not a valid project.',
    ])
  })

  test.each([
    [1, 7 - 2 + 3 + 4],
    [50, 7 + 3],
    [57, 7],
  ])('the default class at 2.%i', async (minor, count) => {
    const { body } = await plimsoll.as('admin').get(`${NOVA}/os-quota-class-sets/default`, at(minor))
    expect(body.quota_class_set).toMatchObject({ id: 'default', cores: 400 })
    expect(Object.keys(body.quota_class_set)).toHaveLength(count + 1)
  })

  test('the default class takes server groups before it shows them', async () => {
    const admin = plimsoll.as('admin')
    const asked = { quota_class_set: { server_groups: 4, server_group_members: '5' } }
    const { status, body } = await admin.put(`${NOVA}/os-quota-class-sets/default`, asked)
    expect([status, body.quota_class_set]).toEqual([200, expect.not.objectContaining({ server_groups: 4 })])
    const shown = (await admin.get(`${NOVA}/os-quota-class-sets/default`, at(50))).body.quota_class_set
    expect(shown).toMatchObject({ server_groups: 4, server_group_members: 5 })
    const addresses = { quota_class_set: { floating_ips: 4 } }
    expect((await admin.put(`${NOVA}/os-quota-class-sets/default`, addresses, at(50))).status).toBe(400)
  })
})

describe('limits', () => {
  test.each([
    [1, 19],
    [36, 14],
    [39, 13],
    [57, 11],
    [96, 11],
  ])('at 2.%i have %i values', async (minor, count) => {
    const { status, body } = await plimsoll.as('demo').get(`${NOVA}/limits`, at(minor))
    expect(status).toBe(200)
    expect(body.limits.rate).toEqual([])
    expect(Object.keys(body.limits.absolute)).toHaveLength(count)
    for (const value of Object.values(body.limits.absolute)) expect(value).toBeTypeOf('number')
  })

  test('count what the project uses', async () => {
    await use('cores', 4)
    await use('floatingip', 2)
    const { body } = await plimsoll.as('demo').get(`${NOVA}/limits?reserved=False`)
    expect(body.limits.absolute).toMatchObject({
      maxTotalCores: 400,
      totalCoresUsed: 4,
      totalFloatingIpsUsed: 2,
      totalRAMUsed: 0,
    })
    const asked = await plimsoll.as('admin').get(`${NOVA}/limits?tenant_id=${project}`)
    expect(asked.body.limits.absolute.totalCoresUsed).toBe(4)
    expect((await plimsoll.as('demo').get(`${NOVA}/limits?tenant_id=${plimsoll.projectId('admin')}`)).status).toBe(403)
    expect((await plimsoll.as('demo').get(`${NOVA}/limits?colour=red`, at(75))).status).toBe(400)
  })
})

test('extensions are listed and shown by alias', async () => {
  const demo = plimsoll.as('demo')
  const { body } = await demo.get(`${NOVA}/extensions`)
  expect(body.extensions.map(({ alias }: { alias: string }) => alias)).toContain('os-keypairs')
  const one = await demo.get(`${NOVA}/extensions/os-keypairs`)
  expect(one.body.extension).toMatchObject({ alias: 'os-keypairs', name: 'Keypairs', links: [] })
  expect((await demo.get(`${NOVA}/extensions/os-cells`)).status).toBe(404)
})
