import { beforeAll, describe, expect, test } from 'vitest'
import { at, NOVA, newWorld, type World } from './world.ts'

let w: World
let ids: Record<string, string>
beforeAll(async () => {
  w = await newWorld()
  ids = {}
  for (const [name, more] of Object.entries({
    alpha: { tags: ['red', 'big'], metadata: { a: 'b' } },
    beta: { tags: ['red'], flavorRef: '2' },
    'web-1': { tags: ['blue'], availability_zone: 'sandbox.a', networks: [{ uuid: w.network, fixed_ip: '10.0.0.50' }] },
  })) {
    ids[name] = await w.running({ name, ...more })
    w.plimsoll.clock.advance(60_000)
  }
  await w.act(ids.beta!, { 'os-stop': null })
  await w.plimsoll.settle()
})
const names = async (query: string, client = w.newest) => {
  const { status, body } = await client.get(`${NOVA}/servers?${query}`)
  return status === 200 ? body.servers.map(({ name }: { name: string }) => name) : status
}

describe('a list of servers', () => {
  test('is newest first, brief or in detail', async () => {
    const brief = await w.demo.get(`${NOVA}/servers`)
    expect(brief.body.servers.map(({ name }: { name: string }) => name)).toEqual(['web-1', 'beta', 'alpha'])
    expect(Object.keys(brief.body.servers[0])).toEqual(['id', 'name', 'links'])
    const detail = await w.newest.get(`${NOVA}/servers/detail`)
    const one = await w.server(ids.alpha!)
    const { server_groups: groups, ...rest } = one
    expect(groups).toEqual([])
    expect(detail.body.servers[2]).toEqual(rest)
  })

  test.each<[string, string[] | number]>([
    ['name=web', ['web-1']],
    ['name=WEB-1', ['web-1']],
    ['name=^web-[0-9]$', ['web-1']],
    ['name=^(al|be)', ['beta', 'alpha']],
    ['name=a$', ['beta', 'alpha']],
    ['name=l.*a', ['alpha']],
    ['name=e.a{1,2}', ['beta']],
    ['name=*', 400],
    ['name=(a', 400],
    ['status=active', ['web-1', 'alpha']],
    ['status=SHUTOFF', ['beta']],
    ['status=active&status=shutoff', ['web-1', 'beta', 'alpha']],
    ['status=nonsense', 400],
    ['status=deleted', 403],
    ['flavor=2', ['beta']],
    ['flavor=unknown', []],
    ['image=unknown', []],
    ['ip=10.0.0.50', ['web-1']],
    ['ip=^10.0.0.50$', ['web-1']],
    ['ip=^192', []],
    ['ip6=fe80', []],
    ['tags=red', ['beta', 'alpha']],
    ['tags=red,big', ['alpha']],
    ['tags-any=big,blue', ['web-1', 'alpha']],
    ['not-tags=red,big', ['web-1', 'beta']],
    ['not-tags-any=red', ['web-1']],
    ['locked=false', ['web-1', 'beta', 'alpha']],
    ['locked=x', 400],
    ['availability_zone=sandbox.a', expect.arrayContaining(['web-1'])],
    ['power_state=4', ['beta']],
    ['power_state=shutdown', ['beta']],
    ['vm_state=stopped', ['beta']],
    ['task_state=spawning', []],
    ['key_name=x', []],
    ['progress=100', ['web-1', 'alpha']],
    ['config_drive=true', []],
    ['hostname=alpha', ['alpha']],
    ['user_id=x', []],
    ['created_at=2026-03-01T12:00:00Z', ['alpha']],
    ['launched_at=2020-01-01T00:00:00Z', []],
    ['terminated_at=2020-01-01T00:00:00Z', []],
    ['changes-since=2030-01-01T00:00:00Z', []],
    ['changes-since=2020-01-01T00:00:00Z', ['web-1', 'beta', 'alpha']],
    ['changes-since=2011/01/01', 400],
    ['changes-before=2020-01-01T00:00:00Z', []],
    ['changes-since=2021-01-01T00:00:00Z&changes-before=2020-01-01T00:00:00Z', 400],
    ['unknown=1', 400],
    ['all_tenants=1', 403],
    ['all_tenants=0', ['web-1', 'beta', 'alpha']],
    ['all_tenants=x', 400],
    ['deleted=False', ['web-1', 'beta', 'alpha']],
    ['sort_key=display_name&sort_dir=asc', ['alpha', 'beta', 'web-1']],
    ['sort_key=power_state&sort_dir=desc&sort_key=display_name&sort_dir=asc', ['beta', 'alpha', 'web-1']],
    ['sort_key=launched_at', ['web-1', 'beta', 'alpha']],
    ['sort_key=nonsense', 400],
    ['sort_key=host', 403],
    ['sort_key=id', 400],
    ['sort_key=display_name&sort_dir=up', 400],
    ['limit=0', []],
    ['limit=x', 400],
    ['limit=-1', 400],
    ['marker=nothing', 400],
    ['metadata=x', 400],
    ['_x=1', 400],
  ])('is filtered by %s', async (query, expected) => {
    expect(await names(query)).toEqual(expected)
  })

  test.each<[string, string[] | number]>([
    ['status=nonsense', []],
    ['unknown=1', ['web-1', 'beta', 'alpha']],
    ['tags=red', ['web-1', 'beta', 'alpha']],
    ['sort_key=id', ['web-1', 'beta', 'alpha']],
    ['key_name=x', ['web-1', 'beta', 'alpha']],
  ])('%s in 2.1', async (query, expected) => {
    expect(await names(query, w.demo)).toEqual(expected)
  })

  test('comes in pages that lead to each other', async () => {
    const seen: string[] = []
    let path: string | undefined = `${NOVA}/servers/detail?limit=2&sort_key=display_name&sort_dir=desc`
    let pages = 0
    while (path) {
      const { body } = await w.newest.get(path)
      seen.push(...body.servers.map(({ name }: { name: string }) => name))
      path = body.servers_links?.[0].href
      pages++
    }
    expect([seen, pages]).toEqual([['web-1', 'beta', 'alpha'], 2])
    const last = await w.newest.get(`${NOVA}/servers?limit=1&marker=${ids.beta}`)
    expect(last.body.servers.map(({ name }: { name: string }) => name)).toEqual(['alpha'])
    expect(last.body.servers_links[0].rel).toBe('next')
    expect(await names(`name=a$&limit=1&marker=${ids.beta}`)).toEqual(['alpha'])
  })

  test('shows admins every project, and what is gone', async () => {
    const admin = w.admin.with(at('2.96'))
    expect(await names('', admin)).toEqual([])
    expect(await names('all_tenants', admin)).toEqual(['web-1', 'beta', 'alpha'])
    expect(await names(`all_tenants=true&project_id=${w.plimsoll.projectId('demo')}`, admin)).toHaveLength(3)
    expect(await names(`all_tenants=1&host=sandbox&uuid=${ids.beta}`, admin)).toEqual(['beta'])
    expect(await names(`all_tenants=1&host=x&uuid=${ids.beta}`, admin)).toEqual([])
    expect(await names('all_tenants=1&sort_key=node', admin)).toHaveLength(3)
    const { image } = await w.server(ids.alpha!)
    const { 'OS-EXT-SRV-ATTR:reservation_id': reservation } = (await admin.get(`${NOVA}/servers/${ids.alpha}`)).body
      .server
    const theirs = `all_tenants=1&project_id=${w.plimsoll.projectId('demo')}`
    for (const [filter, found] of [
      ['host=sandbox', ['web-1', 'beta', 'alpha']],
      [`image=${image.id}`, ['web-1', 'beta', 'alpha']],
      [`image=${image.id}&host=sandbox&flavor=2`, ['beta']],
      [`image=${image.id}&limit=1&marker=${ids['web-1']}`, ['beta']],
      ['host=x', []],
      [`reservation_id=${reservation}`, ['alpha']],
      [`reservation_id=${reservation.replace('r-', 'x-')}`, []],
    ] as const)
      for (const of of ['all_tenants=1', theirs]) expect(await names(`${of}&${filter}`, admin)).toEqual(found)
    await w.demo.delete(`${NOVA}/servers/${ids.beta}`)
    await w.plimsoll.settle()
    expect(await names('all_tenants=1&deleted=true', admin)).toEqual(['beta'])
    expect(await names('all_tenants=1&status=deleted', admin)).toEqual(['beta'])
    expect(await names('changes-since=2020-01-01T00:00:00Z')).toContain('beta')
    expect(await names('')).toEqual(['web-1', 'alpha'])
    const gone = (await admin.get(`${NOVA}/servers/detail?all_tenants=1&deleted=1`)).body.servers[0]
    expect(gone).toMatchObject({ status: 'DELETED', 'OS-SRV-USG:terminated_at': expect.stringMatching(/^2026-/) })
  })
})
