import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Api, logIn } from '../support/api.ts'
import { startBroker } from '../support/broker.ts'
import { addCloud, dropSandbox } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { guestImage } from './guest.ts'
import type { Libvirtd } from './launch.ts'

const NOVA = '/compute/v2.1'
const NEUTRON = '/network/v2.0'
const CLOUD = 'rack7'
const SIZE = { name: 'k.small', vcpus: 1, ram_mib: 192, disk_gib: 1 }
/** An emulated guest on a busy machine. */
const BOOTS_WITHIN_MS = 240_000
const WITHIN_MS = 60_000
/** How long a connection may take that nothing holds up, in seconds. */
const PATIENCE_S = 5

/**
 * Asks DHCP for an address, says which it got, answers on port 22, and asks another guest every second, if any. A connection that a
 * filter cuts off hangs: nobody tells either end.
 */
const userData = (nonce: string, other: string | null): string => `#!/bin/sh
ip link set eth0 up
printf '#!/bin/sh\\n[ "$1" = bound ] && ip addr add $ip/$mask dev eth0\\nexit 0\\n' > /bound; chmod +x /bound
udhcpc -i eth0 -n -q -t 30 -s /bound
printf '#!/bin/sh\\necho ${nonce}\\n' > /say; chmod +x /say
echo "guest: has $(ip -4 addr show eth0 | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p')"
(while :; do nc -l -p 22 -e /say; done) &
${other === null ? '' : `(while :; do echo "guest: heard $(timeout 4 nc -w 2 ${other} 22 < /dev/null 2>/dev/null)" > /dev/console; sleep 1; done) &`}
`

/** Guests behind security groups: who reaches whom is tried by connections. */
export const reachedOnLibvirt = async (report: Report, host: Libvirtd): Promise<void> => {
  const broker = await startBroker('node')
  const step = async (title: string, run: () => Promise<unknown>): Promise<void> => {
    const from = Date.now()
    const end = (result: 'passed' | 'failed', detail = '') =>
      report.step('node × libvirt, guests that meet', title, result, Date.now() - from, detail)
    await run().then(
      () => end('passed'),
      (error) => end('failed', String(error instanceof Error ? error.message : error).slice(0, 1_500)),
    )
  }
  try {
    const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
    await dropSandbox({ admin, demo })
    const options = {
      hosts: [{ name: 'kvm1', uri: host.uri }],
      sizes: [SIZE],
      shutdown_seconds: 1,
      allow_private: true,
    }
    await addCloud({ broker, admin, demo }, { name: CLOUD, type: 'libvirt', endpoint: null, credentials: {}, options })
    await story({ demo, host, step, image: await uploaded(demo, broker.url) })
  } finally {
    await broker.stop()
  }
}

/** The image of a guest, in Glance. */
const uploaded = async (demo: Api, url: string): Promise<string> => {
  const bare = { name: 'guest', disk_format: 'qcow2', container_format: 'bare', hw_disk_bus: 'virtio' }
  const { id } = await demo.must('POST', '/image/v2/images', bare)
  const headers = { 'X-Auth-Token': demo.token, 'Content-Type': 'application/octet-stream' }
  const body = await readFile(await guestImage())
  const { status } = await fetch(`${url}/image/v2/images/${id}/file`, { method: 'PUT', headers, body })
  assert.equal(status, 204)
  return id
}

interface Scene {
  demo: Api
  host: Libvirtd
  image: string
  step(title: string, run: () => Promise<unknown>): Promise<void>
}

const story = async ({ demo, host, image, step }: Scene): Promise<void> => {
  const [first, second] = [randomUUID(), randomUUID()]
  const made: [path: string, id: string][] = []
  const create = async (kind: string, spec: object) => {
    const path = `${NEUTRON}/${kind.replaceAll('_', '-')}s`
    const answer = (await demo.must('POST', path, { [kind]: spec }))[kind]
    made.push([path, answer.id])
    return answer
  }
  const network = await create('network', { name: 'meeting' })
  await create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.67.0.0/24' })
  const [served, asking] = [
    await create('security_group', { name: 'served' }),
    await create('security_group', { name: 'asking' }),
  ]
  const portIn = (group: { id: string }) => create('port', { network_id: network.id, security_groups: [group.id] })
  const [a, b] = [await portIn(served), await portIn(asking)]
  const at = a.fixed_ips[0].ip_address as string
  const boot = async (name: string, port: { id: string }, script: string): Promise<string> => {
    const { flavors } = await demo.must('GET', `${NOVA}/flavors`)
    const flavorRef = flavors.find((each: { name: string }) => each.name === SIZE.name).id
    const server = { name, flavorRef, imageRef: image, networks: [{ port: port.id }], user_data: btoa(script) }
    const { id } = (await demo.must('POST', `${NOVA}/servers`, { server })).server
    return id
  }
  const consoleOf = async (server: string): Promise<string> =>
    (await demo.must('POST', `${NOVA}/servers/${server}/action`, { 'os-getConsoleOutput': {} })).output
  /** What the port of the first guest says to the host; empty: nothing in time. */
  const heard = () =>
    host.inside('timeout', String(PATIENCE_S), 'bash', '-c', `head -1 < /dev/tcp/${at}/22`).then(
      (said) => said.trim(),
      () => '',
    )
  const rule = (change: object) =>
    create('security_group_rule', {
      ...{ security_group_id: served.id, direction: 'ingress', ethertype: 'IPv4' },
      ...{ protocol: 'tcp', port_range_min: 22, port_range_max: 22, ...change },
    })
  const servers: string[] = []

  await step('a guest has from DHCP the address that its port was given', async () => {
    servers.push(await boot('served', a, userData(first, null)))
    await patiently(
      async () => assert.match(await consoleOf(servers[0]!), new RegExp(`guest: has ${at.replaceAll('.', '\\.')}\\s`)),
      BOOTS_WITHIN_MS,
    )
  })
  await step(
    'nobody reaches it before a rule, everybody whom the rule names with it, and nobody after it',
    async () => {
      assert.equal(await heard(), '')
      const { id } = await rule({ remote_ip_prefix: '10.67.0.1/32' })
      await patiently(async () => assert.equal(await heard(), first), WITHIN_MS)
      await demo.must('DELETE', `${NEUTRON}/security-group-rules/${id}`)
      await patiently(async () => assert.equal(await heard(), ''), WITHIN_MS)
      const elsewhere = await rule({ remote_ip_prefix: '10.67.0.2/32' })
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      assert.equal(await heard(), '')
      await demo.must('DELETE', `${NEUTRON}/security-group-rules/${elsewhere.id}`)
    },
  )
  await step('another guest reaches it by a rule that names its group, and not without', async () => {
    servers.push(await boot('asking', b, userData(second, at)))
    const asked = async () => (await consoleOf(servers[1]!)).match(/guest: heard.*/g) ?? []
    await patiently(async () => assert.ok((await asked()).length > 2), BOOTS_WITHIN_MS)
    assert.ok((await asked()).every((line) => line.trim() === 'guest: heard'))
    const { id } = await rule({ remote_group_id: asking.id })
    await patiently(async () => assert.ok((await asked()).at(-1)?.includes(first)), WITHIN_MS)
    await demo.must('DELETE', `${NEUTRON}/security-group-rules/${id}`)
    await patiently(async () => assert.equal((await asked()).at(-1)?.trim(), 'guest: heard'), WITHIN_MS)
  })
  await step('nothing of them is left on the host', async () => {
    for (const id of servers) await demo.must('DELETE', `${NOVA}/servers/${id}`)
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
    }, 90_000)
  })
}
