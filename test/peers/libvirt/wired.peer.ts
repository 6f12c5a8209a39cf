import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { libvirt } from '../../../adapters/libvirt/index.ts'
import { dial } from '../../../functions/runtime/dial.ts'
import { Workshop } from '../../adapters/cases.ts'
import { connection, OPTIONS, surroundings } from '../../adapters/libvirt/scripted.ts'
import { MemoryBlobs } from '../../support/memory-blobs.ts'
import { type Api, logIn } from '../support/api.ts'
import { startBroker } from '../support/broker.ts'
import { finish } from '../support/child.ts'
import { addCloud, dropSandbox } from '../support/cloud.ts'
import { installDebian } from '../support/debian.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { guestImage } from './guest.ts'
import type { Libvirtd } from './launch.ts'

const NOVA = '/compute/v2.1'
const NEUTRON = '/network/v2.0'
const CLOUD = 'rack8'
const SIZE = { name: 'k.small', vcpus: 1, ram_mib: 256, disk_gib: 1 }
/** An emulated guest on a busy machine, with firmware that takes its time. */
const BOOTS_WITHIN_MS = 300_000
const WITHIN_MS = 60_000
/** The bridge that the host has from the start, and its own address there. */
const BRIDGE = 'br9'
const HOST_ADDRESS = '10.68.0.254'

/** Says by which firmware it was started, takes the address that its disc tells it, answers on port 22, and hears no power button. */
const SCRIPT = `#!/bin/sh
rm -f /etc/acpi/PWRF/00000080
[ -d /sys/firmware/efi ] && echo "guest: started by UEFI"
address=$(grep -o '10\\.68\\.0\\.[0-9]*/24' /seed/network-config | head -n 1)
ip link set eth0 up; ip addr add $address dev eth0
printf '#!/bin/sh\\necho well\\n' > /say; chmod +x /say
(while :; do nc -l -p 22 -e /say; done) &
echo "guest: has $address"
`

/** A machine with UEFI on a bridge that the operator named. */
export const wiredOnLibvirt = async (report: Report, host: Libvirtd): Promise<void> => {
  const story = 'node × libvirt, a wire and UEFI'
  try {
    await installDebian(['ovmf'])
  } catch (error) {
    return report.step(story, 'a firmware', 'skipped', 0, `ovmf cannot be installed: ${error}`)
  }
  const broker = await startBroker('node')
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const end = (result: 'passed' | 'failed', detail = '') =>
      report.step(story, title, result, Date.now() - from, detail)
    await run().then(
      () => end('passed'),
      (error) => end('failed', String(error instanceof Error ? error.message : error).slice(0, 1_500)),
    )
  }
  await host.inside('ip', 'addr', 'add', `${HOST_ADDRESS}/24`, 'dev', BRIDGE)
  try {
    const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
    await dropSandbox({ admin, demo })
    const options = {
      hosts: [{ name: 'kvm1', uri: host.uri }],
      sizes: [SIZE],
      bridges: [{ name: 'office', bridge: BRIDGE }],
      shutdown_seconds: 2,
      allow_private: true,
    }
    await addCloud({ broker, admin, demo }, { name: CLOUD, type: 'libvirt', endpoint: null, credentials: {}, options })
    const { url } = broker
    await step('a VLAN of Open vSwitch is a network of libvirt’s as well, which takes no port with port security', () =>
      tagged(host),
    )
    await told({ url, admin, demo, host, step, image: await uploaded(demo, url) })
  } finally {
    await host.inside('ip', 'addr', 'del', `${HOST_ADDRESS}/24`, 'dev', BRIDGE)
    await broker.stop()
  }
}

/** The image of a guest with a script by which the shell of UEFI starts it, in Glance. */
const uploaded = async (demo: Api, url: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'uefi-'))
  try {
    const [raw, image, script] = ['raw', 'qcow2', 'startup.nsh'].map((name) => join(folder, name))
    await finish({ command: 'qemu-img', args: ['convert', '-O', 'raw', await guestImage(), raw!] })
    await writeFile(script!, 'fs0:\r\nvmlinuz initrd=\\initrd console=ttyS0 quiet panic=0 no_timer_check\r\n')
    await finish({ command: 'mcopy', args: ['-i', raw!, script!, '::'] })
    await finish({ command: 'qemu-img', args: ['convert', '-c', '-O', 'qcow2', raw!, image!] })
    const bare = { name: 'guest', disk_format: 'qcow2', container_format: 'bare', hw_firmware_type: 'uefi' }
    const { id } = await demo.must('POST', '/image/v2/images', bare)
    const headers = { 'X-Auth-Token': demo.token, 'Content-Type': 'application/octet-stream' }
    const answer = await fetch(`${url}/image/v2/images/${id}/file`, {
      method: 'PUT',
      headers,
      body: await readFile(image!),
    })
    assert.equal(answer.status, 204)
    return id
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** No packet goes over it, as there is no Open vSwitch here: what libvirt makes of its definition is looked at. */
const tagged = async (host: Libvirtd): Promise<void> => {
  const bridges = [{ name: 'trunk', bridge: 'ovs0', kind: 'openvswitch', vlans: '100-199' }]
  const hosts = [{ name: 'kvm1', uri: host.uri }]
  const linked = connection({ options: { ...OPTIONS, bridges, hosts } as typeof OPTIONS })
  const around = { ...surroundings((to) => dial(to, null, () => false)), now: Date.now }
  const shop = new Workshop({
    ...{ cloud: libvirt.connect(linked, around), adapter: libvirt, connection: linked, surroundings: around },
    blobs: new MemoryBlobs(),
    advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    fixtures: {
      ...{ zone: 'kvm1', size: { native: 'k.tiny', vcpus: 1, ramMiB: 64, diskGiB: 0 }, image: '' },
      ...{ cidr: '10.69.0.0/24', disk: { format: 'qcow2/bare', bytes: new Uint8Array() } },
    },
  })
  try {
    const network = (await shop.make('network', { name: 'n', cidrs: [] })).id
    const at = { network, cidr: '10.69.0.0/24', gateway: '10.69.0.254', zone: 'kvm1', dhcp: false, dnsServers: [] }
    const subnet = (await shop.make('subnet', { name: 's', ...at, wire: { name: 'trunk', vlan: 142 } })).id
    const [name = ''] = /plimsoll-\S+/.exec(await host.virsh('net-list', '--name')) ?? []
    const xml = await host.virsh('net-dumpxml', name)
    for (const part of [
      /<forward mode='bridge'\/>/,
      /<bridge name='ovs0'\/>/,
      /type='openvswitch'/,
      /<tag id='142'\/>/,
    ])
      assert.match(xml, part)
    const port = (portSecurity: boolean) => ({
      ...{ name: 'p', network, addresses: [{ subnet, address: '10.69.0.9' }], mac: 'fa:16:3e:00:00:09' },
      ...{ securityGroups: [], portSecurity },
    })
    await assert.rejects(shop.make('port', port(true)), /Open vSwitch/)
    await shop.make('port', port(false))
  } finally {
    await shop.close()
  }
}

interface Scene {
  url: string
  admin: Api
  demo: Api
  host: Libvirtd
  image: string
  step(title: string, run: () => Promise<unknown>): Promise<void>
}

const told = async ({ url, admin, demo, host, image, step }: Scene): Promise<void> => {
  const made: [path: string, id: string][] = []
  const create = async (kind: string, spec: object, who = demo) => {
    const path = `${NEUTRON}/${kind.replaceAll('_', '-')}s`
    const answer = (await who.must('POST', path, { [kind]: spec }))[kind]
    made.push([path, answer.id])
    return answer
  }
  const on = { 'provider:network_type': 'flat', 'provider:physical_network': `${CLOUD}.kvm1/office` }
  const action = (server: string, body: object) => demo.must('POST', `${NOVA}/servers/${server}/action`, body)
  const consoleOf = async (server: string): Promise<string> =>
    (await action(server, { 'os-getConsoleOutput': {} })).output
  /** What a guest says to the host over the bridge; empty: nothing in time. */
  const heard = (address: string) =>
    host.inside('timeout', '5', 'bash', '-c', `head -1 < /dev/tcp/${address}/22`).then(
      (said) => said.trim(),
      () => '',
    )
  const variables = async (): Promise<string[]> => {
    const said = await finish({ command: 'sh', args: ['-c', `${host.on.join(' ')} ls -i /var/lib/libvirt/qemu/nvram`] })
    return said.split('\n').filter((line) => line.includes('plimsoll'))
  }
  let server = ''
  let domain = ''
  let address = ''
  let group = ''
  await step(
    'an administrator makes a network on a bridge that the operator named, and a member does not',
    async () => {
      const refused = await demo.call('POST', `${NEUTRON}/networks`, { network: on })
      assert.equal(refused.status, 403)
      const network = await create('network', { ...on, project_id: demo.projectId }, admin)
      const range = { ip_version: 4, cidr: '10.68.0.0/24', gateway_ip: HOST_ADDRESS, enable_dhcp: false }
      await create('subnet', { network_id: network.id, ...range })
      group = (await create('security_group', { name: 'wired' })).id
      const port = await create('port', { network_id: network.id, security_groups: [group] })
      address = port.fixed_ips[0].ip_address
      const { flavors } = await demo.must('GET', `${NOVA}/flavors`)
      const flavorRef = flavors.find((each: { name: string }) => each.name === SIZE.name).id
      const wish = { name: 'wired', flavorRef, imageRef: image, networks: [{ port: port.id }], user_data: btoa(SCRIPT) }
      server = (await demo.must('POST', `${NOVA}/servers`, { server: wish })).server.id
      await patiently(async () => {
        assert.equal((await demo.must('GET', `${NOVA}/servers/${server}`)).server.status, 'ACTIVE')
      }, WITHIN_MS)
    },
  )
  await step('its card is in that bridge, as virsh shows it, behind a filter', async () => {
    domain = /plimsoll-\S+/.exec(await host.virsh('list', '--name'))?.[0] ?? ''
    assert.match(await host.virsh('domiflist', domain), /vnet\d+\s+bridge\s+\S+\s+virtio\s+fa:16:3e/)
    const xml = await host.virsh('dumpxml', domain)
    assert.match(xml, new RegExp(`<source network='plimsoll-[^']+' portid='[^']+' bridge='${BRIDGE}'/>`))
    assert.match(xml, /<filterref filter='plimsoll-/)
    assert.match(await host.inside('ip', 'link', 'show', 'master', BRIDGE), /vnet\d+/)
  })
  await step('its guest is started by UEFI, and has from its disc the address of its port', async () => {
    await patiently(async () => {
      const said = await consoleOf(server)
      assert.ok(said.includes('guest: started by UEFI') && said.includes(`guest: has ${address}/24`), said.slice(-800))
    }, BOOTS_WITHIN_MS)
    assert.equal((await variables()).length, 1)
  })
  await step('over the bridge it is reached by a rule, and not without', async () => {
    assert.equal(await heard(address), '')
    await create('security_group_rule', {
      ...{ security_group_id: group, direction: 'ingress', ethertype: 'IPv4' },
      ...{ protocol: 'tcp', port_range_min: 22, port_range_max: 22, remote_ip_prefix: `${HOST_ADDRESS}/32` },
    })
    await patiently(async () => assert.equal(await heard(address), 'well'), WITHIN_MS)
  })
  await step('a volume is in it at the device that the answer named', async () => {
    const wish = { size: 1, availability_zone: `${CLOUD}.kvm1` }
    const cinder = `/volume/v3/${demo.projectId}/volumes`
    const { id } = (await demo.must('POST', cinder, { volume: wish })).volume
    await patiently(
      async () => assert.equal((await demo.must('GET', `${cinder}/${id}`)).volume.status, 'available'),
      WITHIN_MS,
    )
    const attachments = `${NOVA}/servers/${server}/os-volume_attachments`
    const { device } = (await demo.must('POST', attachments, { volumeAttachment: { volumeId: id } })).volumeAttachment
    await patiently(
      async () => assert.equal((await demo.must('GET', `${cinder}/${id}`)).volume.status, 'in-use'),
      WITHIN_MS,
    )
    assert.equal((await demo.must('GET', `${attachments}/${id}`)).volumeAttachment.device, device)
    assert.match(
      await host.virsh('domblklist', domain),
      new RegExp(`^ ?${device.slice('/dev/'.length)} +\\S+volume`, 'm'),
    )
    await demo.must('DELETE', `${attachments}/${id}`)
    await patiently(async () => assert.equal((await demo.call('DELETE', `${cinder}/${id}`)).status, 202), WITHIN_MS)
  })
  await step('what it has used is told as virsh counts it, in both of its forms', async () => {
    const path = `${NOVA}/servers/${server}/diagnostics`
    const told = await admin.must('GET', path)
    const [, card = ''] = /(vnet\d+)/.exec(await host.virsh('domiflist', domain)) ?? []
    for (const key of ['cpu0_time', 'memory', 'vda_read', `${card}_rx`]) assert.ok(told[key] > 0, JSON.stringify(told))
    assert.match(await host.virsh('domstats', '--balloon', domain), new RegExp(`balloon.maximum=${told.memory}\\b`))
    assert.equal((await demo.call('GET', path)).status, 403)
    const headers = { 'X-Auth-Token': admin.token, 'OpenStack-API-Version': 'compute 2.48' }
    const typed = (await (await fetch(url + path, { headers })).json()) as {
      driver: string
      nic_details: { mac_address: string }[]
      memory_details: { maximum: number }
    }
    assert.equal(typed.driver, 'libvirt')
    assert.match(await host.virsh('domiflist', domain), new RegExp(typed.nic_details[0]!.mac_address))
    assert.equal(typed.memory_details.maximum, SIZE.ram_mib)
  })
  await step('a soft reboot that its guest ignores ends in a start, with the variables of its firmware', async () => {
    const before = await variables()
    const life = await host.virsh('domid', domain)
    await action(server, { reboot: { type: 'SOFT' } })
    assert.equal((await demo.must('GET', `${NOVA}/servers/${server}`)).server.status, 'REBOOT')
    await patiently(async () => {
      assert.equal((await demo.must('GET', `${NOVA}/servers/${server}`)).server.status, 'ACTIVE')
    }, WITHIN_MS)
    assert.notEqual(await host.virsh('domid', domain), life)
    assert.deepEqual(await variables(), before)
  })
  await step('deleted it leaves nothing, no variables of its firmware either, and the bridge as it was', async () => {
    await demo.must('DELETE', `${NOVA}/servers/${server}`)
    for (const [path, id] of made.toReversed())
      await patiently(async () => {
        const { status } = await demo.call('DELETE', `${path}/${id}`)
        assert.ok([204, 404].includes(status), `${path}: ${status}`)
      }, WITHIN_MS)
    await demo.must('DELETE', `/image/v2/images/${image}`)
    await patiently(async () => {
      const lists = [
        ['list', '--all', '--name'],
        ['net-list', '--all', '--name'],
        ['nwfilter-list'],
        ['vol-list', host.pool],
      ]
      const left = await Promise.all(lists.map((words) => host.virsh(...words)))
      assert.doesNotMatch(left.join('\n'), /plimsoll/)
      assert.deepEqual(await variables(), [])
    }, 90_000)
    assert.match(await host.inside('ip', 'link', 'show', BRIDGE), /state/)
  })
}
