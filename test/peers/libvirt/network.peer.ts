import assert from 'node:assert/strict'
import { type Api, logIn } from '../support/api.ts'
import { startBroker } from '../support/broker.ts'
import { addCloud } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import type { Libvirtd } from './launch.ts'

const NOVA = '/compute/v2.1/servers'
const NEUTRON = '/network/v2.0'
const CLOUD = 'rack8'
const WITHIN_MS = 60_000

/** What others have of networks on the host, as its own tools tell it. */
const others = async ({ virsh }: Libvirtd) => ({
  network: await virsh('net-dumpxml', 'default'),
  networks: await virsh('net-list', '--all', '--name'),
  filters: await virsh('nwfilter-list'),
  server: await virsh('dumpxml', '--inactive', 'other'),
})

const namesIn = (list: string): string[] => list.split(/\s+/).filter((word) => word.startsWith('plimsoll-'))

/** A network of one's own on somebody's host: a server there is plugged into it, behind a group, and nothing of it stays. */
export const networkedOnLibvirt = async (report: Report, host: Libvirtd): Promise<void> => {
  const broker = await startBroker('node')
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const end = (result: 'passed' | 'failed', detail = '') =>
      report.step('node × libvirt, networks', title, result, Date.now() - from, detail)
    await run().then(
      () => end('passed'),
      (error) => end('failed', String(error instanceof Error ? error.message : error).slice(0, 1_500)),
    )
  }
  try {
    const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
    const before = await others(host)
    const options = {
      hosts: [{ name: 'kvm1', uri: host.uri }],
      sizes: [{ name: 'k.tiny', vcpus: 1, ram_mib: 64 }],
      shutdown_seconds: 1,
      allow_private: true,
    }
    await addCloud({ broker, admin, demo }, { name: CLOUD, type: 'libvirt', endpoint: null, credentials: {}, options })
    const server = await taken(admin, demo, host)
    await plugged({ demo, host, server, step })
    await step('what others have there is as it was, to the letter', async () => {
      await admin.must('POST', '/broker/v1/release', { resource_ids: [server] })
      assert.deepEqual(await others(host), before)
    })
  } finally {
    await broker.stop()
  }
}

/** Somebody's machine as a server of the project's. */
const taken = async (admin: Api, demo: Api, { virsh }: Libvirtd): Promise<string> => {
  const native = `kvm1/${(await virsh('domuuid', 'other')).trim()}`
  const wish = { cloud: CLOUD, native_ids: [native], project_id: demo.projectId, tag: true }
  const { adopted } = await admin.must('POST', '/broker/v1/adopt', wish)
  return adopted.find(({ kind }: { kind: string }) => kind === 'server').resource_id
}

interface Scene {
  demo: Api
  host: Libvirtd
  server: string
  step(title: string, run: () => Promise<unknown>): Promise<void>
}

const plugged = async ({ demo, host: { virsh }, server, step }: Scene): Promise<void> => {
  const made: Record<string, string> = {}
  const create = async (kind: string, spec: object) => {
    const answer = await demo.must('POST', `${NEUTRON}/${kind.replaceAll('_', '-')}s`, { [kind]: spec })
    made[kind] = answer[kind].id
    return answer[kind]
  }
  const act = async (action: string, status: string) => {
    await demo.must('POST', `${NOVA}/${server}/action`, { [action]: null })
    const shown = async () => (await demo.must('GET', `${NOVA}/${server}`)).server.status
    await patiently(async () => assert.equal(await shown(), status), WITHIN_MS)
  }
  const filter = async () => virsh('nwfilter-dumpxml', namesIn(await virsh('nwfilter-list'))[0]!)
  await step('a server is plugged into a network of its own, which the host shows with our mark', async () => {
    const network = await create('network', { name: 'inner' })
    const subnet = await create('subnet', {
      network_id: network.id,
      ip_version: 4,
      cidr: '10.66.0.0/24',
      name: 'inner4',
    })
    const group = await create('security_group', { name: 'web' })
    const port = await create('port', { network_id: network.id, security_groups: [group.id] })
    await demo.must('POST', `${NOVA}/${server}/os-interface`, { interfaceAttachment: { port_id: port.id } })
    await patiently(async () => {
      const [name, ...more] = namesIn(await virsh('net-list', '--all', '--name'))
      assert.deepEqual([typeof name, more], ['string', []])
      const xml = await virsh('net-dumpxml', name!)
      assert.match(xml, new RegExp(`<plimsoll:mark>plimsoll \\S+ ${demo.projectId} subnet ${subnet.id} `))
      assert.match(xml, new RegExp(`<host mac='${port.mac_address}' ip='${port.fixed_ips[0].ip_address}'/>`))
      assert.doesNotMatch(xml, /<forward/)
      for (const which of [[], ['--inactive']])
        assert.match(await virsh('domiflist', 'other', ...which), new RegExp(`${name} +virtio +${port.mac_address}`))
      assert.equal((await demo.must('GET', `${NEUTRON}/ports/${port.id}`)).port.status, 'ACTIVE')
    }, WITHIN_MS)
  })
  await step('its group is a filter, which a rule changes while the server runs', async () => {
    assert.doesNotMatch(await filter(), /dstportstart='22'/)
    const rule = { security_group_id: made.security_group, direction: 'ingress', ethertype: 'IPv4' }
    const ssh = { ...rule, protocol: 'tcp', port_range_min: 22, port_range_max: 22, remote_ip_prefix: '192.0.2.0/24' }
    await create('security_group_rule', ssh)
    await patiently(async () => assert.match(await filter(), /srcipaddr='192\.0\.2\.0' .*dstportstart='22'/), WITHIN_MS)
    await demo.must('DELETE', `${NEUTRON}/security-group-rules/${made.security_group_rule}`)
    await patiently(async () => assert.doesNotMatch(await filter(), /dstportstart='22'/), WITHIN_MS)
  })
  await step('it is unplugged, and its network, its filter and its entry are gone', async () => {
    await act('os-stop', 'SHUTOFF')
    await demo.must('DELETE', `${NOVA}/${server}/os-interface/${made.port}`)
    await patiently(async () => assert.doesNotMatch(await virsh('domiflist', 'other'), /plimsoll/), WITHIN_MS)
    for (const kind of ['port', 'subnet', 'network', 'security_group'])
      await patiently(async () => {
        const { status } = await demo.call('DELETE', `${NEUTRON}/${kind.replaceAll('_', '-')}s/${made[kind]}`)
        assert.ok([204, 404].includes(status), `${kind}: ${status}`)
      }, WITHIN_MS)
    await patiently(async () => {
      const left = [await virsh('net-list', '--all', '--name'), await virsh('nwfilter-list')].flatMap(namesIn)
      assert.deepEqual(left, [])
    }, WITHIN_MS)
    await act('os-start', 'ACTIVE')
  })
}
