import { describe, expect, it } from 'vitest'
import type { Line } from '../../../../adapters/contract.ts'
import type { Host } from '../../../../functions/context.ts'
import { runCron } from '../../../../functions/cron.ts'
import { deaf, estate, IDS } from '../../../adapters/libvirt/estate.ts'
import { startPlimsoll } from '../../../support/harness.ts'

const HOSTS = [{ name: 'kvm1', uri: 'qemu+tls://kvm1.example/system' }]
const SIZES = [{ name: 'k.tiny', vcpus: 1, ram_mib: 64 }]
const NOVA = '/compute/v2.1/servers'

/** A broker with a rack of one host, and what became of each call to it. */
const rack = async (
  options: Record<string, unknown> = {},
  line: Omit<ReturnType<typeof estate>, 'line'> & { line(): Line | Promise<Line> } = estate(),
) => {
  const dialled: Parameters<NonNullable<Host['dial']>>[] = []
  const plimsoll = await startPlimsoll({
    clouds: [],
    dial: async (...to) => {
      dialled.push(to)
      return line.line()
    },
  })
  const admin = plimsoll.as('admin')
  const cloud = { name: 'rack7', type: 'libvirt', options: { hosts: HOSTS, sizes: SIZES, ...options }, credentials: {} }
  const made = await admin.post('/broker/v1/clouds', { cloud })
  const check = async () => (await admin.post('/broker/v1/clouds/rack7/check')).body.check
  return { plimsoll, admin, made, check, dialled, host: line }
}

describe('a rack of KVM hosts', () => {
  it('is registered with its hosts, and checked by asking each', async () => {
    const { made, check, dialled } = await rack()
    expect([made.status, made.body.cloud?.type]).toEqual([201, 'libvirt'])
    expect(await check()).toMatchObject({ reachable: true, account: 'rack7-kvm1', version: 'libvirt 9.0.0 (QEMU)' })
    const [[to, trust, refused] = []] = dialled
    expect([to, trust]).toEqual([{ kind: 'tls', host: 'kvm1.example', port: 16_514, client: null }, null])
    expect([refused?.('10.0.0.1'), refused?.('198.41.0.4')]).toEqual([true, false])
  })

  it('is refused in words where something is wrong with it', async () => {
    const { made } = await rack({ hosts: [{ name: 'kvm1', uri: 'qemu+tcp://kvm1.example/system' }] })
    expect([made.status, JSON.stringify(made.body)]).toEqual([400, expect.stringContaining('in the clear')])
  })

  it.each([
    ['a socket of the machine', 'qemu:///system'],
    ['a private address', 'qemu+tls://10.1.2.3/system'],
    ['a name of the private network', 'qemu+tls://kvm1.internal/system'],
  ])('is not reached by %s, unless an operator says so', async (_, uri) => {
    const hosts = [{ name: 'kvm1', uri }]
    const closed = await rack({ hosts })
    const report = await closed.check()
    expect([report.reachable, closed.dialled]).toEqual([false, []])
    expect(report.warnings.join(' ')).toContain('options.allow_private')
    const open = await rack({ hosts, allow_private: true }, { ...estate(), line: deaf })
    await open.check()
    expect(open.dialled[0]?.[2]('10.1.2.3')).toBe(false)
  })

  it('says what can be made there, and why the rest cannot', async () => {
    const { plimsoll, admin } = await rack()
    await admin.put(`/broker/v1/projects/${plimsoll.projectId('demo')}/clouds/rack7`, { mapping: {} })
    await runCron(plimsoll.host)
    const { clouds } = (await plimsoll.as('demo').get('/broker/v1/capabilities')).body
    const { network, security_group: group, router } = clouds[0].capabilities
    expect([network.available, group.available, router.available]).toEqual([true, true, false])
    expect(router.reason).toMatch(/^Networks on KVM hosts are not joined by routers/)
    expect((await plimsoll.as('demo').get('/image/v2/images')).body.images).toEqual([])
  })
})

describe('a machine that somebody made there', () => {
  const adopting = async () => {
    const all = await rack()
    const { plimsoll, admin } = all
    const demo = plimsoll.as('demo')
    const projectId = plimsoll.projectId('demo')
    await admin.put(`/broker/v1/projects/${projectId}/clouds/rack7`, { mapping: {} })
    await runCron(plimsoll.host)
    const wish = { cloud: 'rack7', native_ids: [IDS.web], project_id: projectId, tag: true }
    const { adopted, refused } = (await admin.post('/broker/v1/adopt', wish)).body
    return { ...all, demo, adopted, refused }
  }

  it('becomes a server with its disks as volumes, is renamed, and handed back', async () => {
    const { plimsoll, admin, demo, adopted, refused, host } = await adopting()
    expect(refused).toEqual([])
    const { resource_id: id } = adopted.find(({ kind }: { kind: string }) => kind === 'server')
    const { server } = (await demo.get(`${NOVA}/${id}`)).body
    expect([server.name, server.status, server['os-extended-volumes:volumes_attached'].length]).toEqual([
      'web',
      'ACTIVE',
      2,
    ])
    await demo.put(`${NOVA}/${id}`, { server: { name: 'shop' } })
    await plimsoll.settle()
    expect(host.done).toEqual(['DOMAIN_SET_METADATA web 3', 'DOMAIN_SET_METADATA web 3'])
    const { waiting } = (await admin.post('/broker/v1/release', { resource_ids: [id] })).body
    expect(waiting).toEqual([])
    expect((await demo.get(`${NOVA}/${id}`)).status).toBe(404)
  })

  it('is deleted with its definition, and leaves its disks', async () => {
    const { plimsoll, demo, adopted, host } = await adopting()
    const { resource_id: id } = adopted.find(({ kind }: { kind: string }) => kind === 'server')
    expect((await demo.delete(`${NOVA}/${id}`)).status).toBe(204)
    await plimsoll.settle()
    expect(host.done.slice(1)).toEqual(['DOMAIN_DESTROY_FLAGS web', 'DOMAIN_UNDEFINE_FLAGS web'])
    const { volumes } = (await demo.get(`/volume/v3/${plimsoll.projectId('demo')}/volumes/detail`)).body
    expect(volumes.map(({ status }: { status: string }) => status)).toEqual(['available', 'available'])
    expect((await demo.get('/network/v2.0/ports')).body.ports).toEqual([])
  })
})

it('a host that is away is told of, and its cloud is left alone for a while', async () => {
  const { check } = await rack({}, { ...estate(), line: deaf })
  expect(await check()).toMatchObject({ reachable: false, warnings: [expect.stringContaining('host kvm1')] })
})
