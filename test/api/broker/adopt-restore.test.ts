import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { remembered } from '../../../adapters/sandbox/backdoor.ts'
import { reconcile } from '../../../functions/broker/reconcile/reconcile.ts'
import { loops } from '../../../functions/cron.ts'
import { createServer, imageNamed } from '../../support/builders.ts'
import { PASSWORD, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { outOfStep } from '../../support/in-step.ts'

const NOVA = '/compute/v2.1'
const NEUTRON = '/network/v2.0'
const MINUTE = 60_000
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrhF5cCyZ5hHzJb3kPo2Y7QGkT+n5B5pvBUgMbPKHFy somebody@somewhere'
const OTHER_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6XHBU2Zc0mD3nSbqN1oUuq2yHfE1tT1wWv5gq0m8aB'
const TABLES = [
  'servers',
  'server_ports',
  'server_actions',
  'ports',
  'ip_allocations',
  'port_security_groups',
  'networks',
  'subnets',
  'security_groups',
  'security_group_rules',
  'volumes',
  'snapshots',
  'attachments',
  'server_group_members',
  'routers',
  'floating_ips',
  'keypairs',
  'quotas',
  'journal',
]

/** Of these tables something is older than the hour that is forgotten. */
const OLDER: Record<string, string> = {
  networks: ' where not external',
  quotas: " where resource <> 'server_groups'",
}

describe('a database that is older than what it made', () => {
  let plimsoll: Plimsoll
  const demo = () => plimsoll.as('demo').with({ 'OpenStack-API-Version': 'compute 2.96, volume 3.70' })
  const sweep = async (after = MINUTE) => {
    plimsoll.clock.advance(after)
    return reconcile(plimsoll.context(), 60_000)
  }
  /** Everything of this hour is forgotten; external networks and the catalogue are older. */
  const forget = async () => {
    for (const table of TABLES) await plimsoll.db.run(sql.raw(`delete from ${table}${OLDER[table] ?? ''}`))
    await plimsoll.db.run(sql`delete from bindings where project_id <> ''`)
  }
  const made = async () => {
    const network = (await demo().post(`${NEUTRON}/networks`, { network: { name: 'n' } })).body.network.id
    const subnet = (
      await demo().post(`${NEUTRON}/subnets`, {
        subnet: { network_id: network, cidr: '10.0.0.0/24', ip_version: 4, name: 's' },
      })
    ).body.subnet.id
    const external = (await demo().get(`${NEUTRON}/networks?router:external=true`)).body.networks[0].id
    const router = (
      await demo().post(`${NEUTRON}/routers`, {
        router: { name: 'r', external_gateway_info: { network_id: external } },
      })
    ).body.router.id
    await demo().put(`${NEUTRON}/routers/${router}/add_router_interface`, { subnet_id: subnet })
    const image = (await demo().get('/image/v2/images?name=sandbox-linux')).body.images[0].id
    await demo().post(`${NOVA}/os-keypairs`, { keypair: { name: 'my key', public_key: KEY } })
    const server = (
      await demo().post(`${NOVA}/servers`, {
        server: { name: 'w', flavorRef: '1', imageRef: image, networks: [{ uuid: network }], key_name: 'my key' },
      })
    ).body.server.id
    await plimsoll.settle()
    const zone = (await demo().get(`${NOVA}/servers/${server}`)).body.server['OS-EXT-AZ:availability_zone']
    const volume = (
      await demo().post(`/volume/v3/${plimsoll.projectId('demo')}/volumes`, {
        volume: { size: 2, name: 'v', availability_zone: zone },
      })
    ).body.volume.id
    await plimsoll.settle()
    await demo().post(`${NOVA}/servers/${server}/os-volume_attachments`, { volumeAttachment: { volumeId: volume } })
    const ports = (await demo().get(`${NEUTRON}/ports?device_id=${server}`)).body.ports
    const floating = (
      await demo().post(`${NEUTRON}/floatingips`, {
        floatingip: { floating_network_id: external, port_id: ports[0].id },
      })
    ).body.floatingip.id
    await plimsoll.settle()
    return { network, subnet, router, server, volume, port: ports[0].id, floating }
  }
  const live = async () => {
    let n = 0
    for (const kind of [
      'server',
      'port',
      'network',
      'subnet',
      'volume',
      'router',
      'floating_ip',
      'security_group',
      'keypair',
    ] as const)
      n += (await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), kind)).filter(
        ({ goneAt }) => goneAt === null,
      ).length
    return n
  }

  beforeEach(async () => {
    plimsoll = await startPlimsoll({ loops: loops.filter(({ name }) => name === 'converge') })
    await plimsoll.db.run(sql`update clouds set created_at = 0`)
    await sweep()
  })

  it('gets everything back by its marks, and removes nothing', async () => {
    plimsoll.clock.advance(20 * MINUTE)
    const ids = await made()
    const before = await live()
    await forget()
    for (let i = 0; i < 30; i++) await sweep()
    await plimsoll.settle()
    expect(await live()).toBe(before)
    expect(await plimsoll.db.all(sql`select kind, native_id from orphans`)).toEqual([])
    const { server } = (await demo().get(`${NOVA}/servers/${ids.server}`)).body
    expect(server).toMatchObject({ name: 'w', status: 'ACTIVE', id: ids.server, key_name: 'my key' })
    expect(server.user_id).toBe(plimsoll.userId('demo'))
    expect((await demo().get(`${NOVA}/os-keypairs/my key`)).body.keypair).toMatchObject({
      public_key: KEY,
      user_id: plimsoll.userId('demo'),
    })
    expect(server['os-extended-volumes:volumes_attached']).toMatchObject([{ id: ids.volume }])
    expect((await demo().get(`${NEUTRON}/ports/${ids.port}`)).body.port).toMatchObject({
      device_id: ids.server,
      network_id: ids.network,
    })
    expect((await demo().get(`${NEUTRON}/subnets/${ids.subnet}`)).body.subnet.cidr).toBe('10.0.0.0/24')
    expect((await demo().get(`${NEUTRON}/routers/${ids.router}`)).body.router.external_gateway_info).toBeTruthy()
    expect((await demo().get(`${NEUTRON}/floatingips/${ids.floating}`)).body.floatingip.port_id).toBe(ids.port)
    expect(await outOfStep(plimsoll)).toEqual([])
    expect((await demo().delete(`${NOVA}/servers/${ids.server}`)).status).toBe(204)
    await plimsoll.settle()
    expect(await outOfStep(plimsoll)).toEqual([])
  })

  it('knows again from which volume a server boots, and the group that it was made in', async () => {
    plimsoll.clock.advance(20 * MINUTE)
    const { network } = await made()
    const image = (await demo().get('/image/v2/images?name=sandbox-linux')).body.images[0].id
    const groups = `${NOVA}/os-server-groups`
    const group = (await demo().post(groups, { server_group: { name: 'g', policy: 'soft-anti-affinity' } })).body
    const root = { uuid: image, source_type: 'image', destination_type: 'volume', boot_index: 0, volume_size: 4 }
    const { server } = (
      await demo().post(`${NOVA}/servers`, {
        server: {
          name: 'v',
          flavorRef: '1',
          imageRef: '',
          networks: [{ uuid: network }],
          block_device_mapping_v2: [root],
        },
        'os:scheduler_hints': { group: group.server_group.id },
      })
    ).body
    await plimsoll.settle()
    const attached = async () =>
      (await demo().get(`${NOVA}/servers/${server.id}`)).body.server['os-extended-volumes:volumes_attached']
    const [{ id: volume }] = await attached()
    await forget()
    for (let i = 0; i < 30; i++) await sweep()
    await plimsoll.settle()
    expect(await attached()).toMatchObject([{ id: volume }])
    const detached = await demo().delete(`${NOVA}/servers/${server.id}/os-volume_attachments/${volume}`)
    expect(detached.body).toMatchObject({ badRequest: { message: 'Cannot detach a root device volume' } })
    expect((await demo().get(`${groups}/${group.server_group.id}`)).body.server_group.members).toEqual([server.id])
    expect(await outOfStep(plimsoll)).toEqual([])
    expect((await demo().delete(`${NOVA}/servers/${server.id}`)).status).toBe(204)
    await plimsoll.settle()
    expect(await outOfStep(plimsoll)).toEqual([])
  })

  it('does not bring back what a user deleted; a person may bring back any orphan', async () => {
    const volume = async () =>
      (await demo().post(`/volume/v3/${plimsoll.projectId('demo')}/volumes`, { volume: { size: 1 } })).body.volume
        .id as string
    const [deleted, lost] = [await volume(), await volume()]
    await plimsoll.settle()
    await demo().delete(`/volume/v3/${plimsoll.projectId('demo')}/volumes/${deleted}`)
    // The row is gone and the object is not: a removal that never came to its end.
    await plimsoll.db.run(sql`delete from bindings where project_id <> ''`)
    await plimsoll.db.run(sql`delete from volumes`)
    await plimsoll.db.run(sql`delete from quotas`)
    await sweep()
    const admin = plimsoll.as('admin')
    const { orphans } = (await admin.get('/broker/v1/orphans')).body
    const of = (id: string) => orphans.find((orphan: { resource_id: string }) => orphan.resource_id === id).id
    expect(orphans).toHaveLength(2)
    expect((await admin.post(`/broker/v1/orphans/${of(deleted)}/adopt`)).status).toBe(409)
    const answer = await admin.post(`/broker/v1/orphans/${of(lost)}/adopt`)
    expect(answer.body.adopted).toMatchObject({ kind: 'volume', resource_id: lost })
    expect((await admin.post('/broker/v1/orphans/nothing/adopt')).status).toBe(404)
    expect((await demo().get(`/volume/v3/${plimsoll.projectId('demo')}/volumes/${lost}`)).body.volume).toMatchObject({
      status: 'available',
      size: 1,
    })
    expect((await admin.get('/broker/v1/orphans')).body.orphans).toHaveLength(1)
  })

  describe('and keypairs', () => {
    const keys = `${NOVA}/os-keypairs`
    const newKey = () => demo().post(keys, { keypair: { name: 'k', public_key: KEY } })
    const demoIn = async (project: string) => {
      const user = { id: plimsoll.userId('demo'), password: PASSWORD }
      const scope = { project: { id: plimsoll.projectId(project) } }
      const auth = { identity: { methods: ['password'], password: { user } }, scope }
      return plimsoll.bearer(
        (await plimsoll.nobody.post('/identity/v3/auth/tokens', { auth })).headers.get('x-subject-token')!,
      )
    }
    /** A server that brings the key to the cloud. */
    const boot = async (who = demo()) =>
      createServer(plimsoll, who, { name: 'w', imageRef: await imageNamed(demo()), key_name: 'k' })
    const there = async () =>
      (await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'keypair')).filter(
        ({ goneAt }) => goneAt === null,
      )
    const adoptOrphans = async () => {
      await sweep()
      const { orphans } = (await plimsoll.as('admin').get('/broker/v1/orphans')).body
      const lost = orphans.filter(({ kind }: { kind: string }) => kind === 'keypair')
      const answers = []
      for (const { id } of lost) answers.push(await plimsoll.as('admin').post(`/broker/v1/orphans/${id}/adopt`))
      return answers.map(({ status, body }) => [status, body.error?.message ?? body.adopted])
    }

    it('the key that a cloud has for a project says whose it is', async () => {
      await newKey()
      await boot()
      const [{ mark, spec }] = (await there()) as [Awaited<ReturnType<typeof there>>[number]]
      expect(mark).toMatchObject({
        kind: 'keypair',
        user: plimsoll.userId('demo'),
        project: plimsoll.projectId('demo'),
      })
      expect(spec).toMatchObject({ label: 'k', publicKey: KEY })
      expect((await plimsoll.as('admin').get('/broker/v1/export?kind=keypair')).body.objects).toMatchObject([
        { tags: { user: plimsoll.userId('demo'), resource: mark!.resource, kind: 'keypair' } },
      ])
    })

    it('a key that is in two projects comes back for both, as one row', async () => {
      await newKey()
      await boot()
      await plimsoll.newProject('twin', { clouds: ['sandbox'] })
      // The same user in another project, where he has the roles that its own user has.
      await plimsoll.db.run(sql`insert into grants (actor_id, target_id, role_id)
        select ${plimsoll.userId('demo')}, target_id, role_id from grants where actor_id = ${plimsoll.userId('twin')}`)
      await boot(await demoIn('twin'))
      expect(await there()).toHaveLength(2)
      await forget()
      expect((await adoptOrphans()).map(([status]) => status)).toEqual([200, 200])
      expect((await demo().get(keys)).body.keypairs).toMatchObject([{ keypair: { name: 'k', public_key: KEY } }])
      const bound = await plimsoll.db.all(sql`select distinct scope, project_id from bindings where kind = 'keypair'`)
      expect(bound).toHaveLength(2)
      expect((await demo().delete(`${keys}/k`)).status).toBe(204)
      await plimsoll.settle()
      expect(await there()).toEqual([])
    })

    it('stays an orphan, with the reason, where it cannot be what it was', async () => {
      await newKey()
      await boot()
      await forget()
      // Meanwhile its user has imported another one under the same name.
      await demo().post(keys, { keypair: { name: 'k', public_key: OTHER_KEY } })
      expect(await adoptOrphans()).toEqual([[409, `User ${plimsoll.userId('demo')} has another keypair k by now.`]])
      await demo().delete(`${keys}/k`)
      await plimsoll.db.run(sql`delete from users where id = ${plimsoll.userId('demo')}`)
      expect(await adoptOrphans()).toEqual([[409, `There is no user ${plimsoll.userId('demo')}.`]])
      expect(await there()).toHaveLength(1)
    })

    it('does not come back after its user deleted it', async () => {
      await newKey()
      await boot()
      await plimsoll.db.run(sql`delete from bindings where kind = 'keypair'`)
      await demo().delete(`${keys}/k`)
      expect(await adoptOrphans()).toEqual([[409, 'It was removed before.']])
    })
  })
})
