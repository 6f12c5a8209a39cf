import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Client, startClient } from '../openstackclient/client.ts'
import { type Api, logIn } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { addCloud, dropSandbox } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import type { Report } from '../support/report.ts'
import { guestImage } from './guest.ts'
import type { Libvirtd } from './launch.ts'

type Step = (title: string, run: () => Promise<unknown>) => Promise<void>

const CLOUD = 'rack9'
const OPTIONS = {
  sizes: [
    { name: 'k.small', vcpus: 1, ram_mib: 192, disk_gib: 1 },
    { name: 'k.large', vcpus: 2, ram_mib: 288, disk_gib: 2 },
  ],
  shutdown_seconds: 5,
  allow_private: true,
}
/** An emulated guest on a busy machine. */
const BOOTS_WITHIN_MS = 180_000

/** A guest that really runs: what it was told, it proves on its console. */
export const bootedOnLibvirt = async (report: Report, host: Libvirtd): Promise<void> => {
  const broker = await startBroker('node')
  const step: Step = async (title, run) => {
    const from = Date.now()
    const end = (result: 'passed' | 'failed', detail = '') =>
      report.step('node × libvirt, a guest', title, result, Date.now() - from, detail)
    await run().then(
      () => end('passed'),
      (error) => end('failed', String(error instanceof Error ? error.message : error).slice(0, 1_500)),
    )
  }
  const client = await startClient(broker)
  try {
    const [admin, demo] = [await logIn(broker, 'admin'), await logIn(broker, 'demo')]
    await dropSandbox({ admin, demo })
    const options = { ...OPTIONS, hosts: [{ name: 'kvm1', uri: host.uri }] }
    await addCloud({ broker, admin, demo }, { name: CLOUD, type: 'libvirt', endpoint: null, credentials: {}, options })
    await story({ broker, client, demo, host }, step)
  } finally {
    client.stop()
    await broker.stop()
  }
}

interface Scene {
  broker: Broker
  client: Client
  demo: Api
  host: Libvirtd
}

const story = async ({ broker, client, host }: Scene, step: Step): Promise<void> => {
  const openstack = async (...argv: string[]) => {
    const { rc, stdout, stderr } = await client.say(['--os-cloud', 'plimsoll', ...argv])
    assert.equal(rc, 0, `openstack ${argv.join(' ')}: ${stderr}`)
    return stdout
  }
  const json = async (...argv: string[]) => JSON.parse(await openstack(...argv, '-f', 'json'))
  const nonce = randomUUID()

  await step('the image of a guest is uploaded through Glance', async () => {
    const file = await guestImage()
    const made = await json(
      'image',
      'create',
      '--disk-format',
      'qcow2',
      '--file',
      file,
      '--property',
      'hw_disk_bus=virtio',
      'guest',
    )
    assert.ok(made.id)
    await patiently(async () => assert.equal((await json('image', 'show', 'guest')).status, 'active'), 30_000)
  })
  let mac = ''
  await step('a server is made of it on a network of its own, with user data and a key, and runs', async () => {
    await openstack('network', 'create', 'n1', '--availability-zone-hint', `${CLOUD}.kvm1`)
    await openstack('subnet', 'create', '--network', 'n1', '--subnet-range', '10.61.0.0/24', 's1')
    await openstack('keypair', 'create', 'k1')
    const script = join(broker.folder, 'user-data')
    await writeFile(
      script,
      `#!/bin/sh\nprove ${nonce}\n[ -b /dev/vdb ] && echo "guest: second $(dd if=/dev/vdb bs=1M skip=512 count=1 | head -n 1)"\necho ${nonce} | dd of=/dev/vda bs=1M seek=512 conv=notrunc\nsync\n`,
    )
    const flavors = await json('flavor', 'list')
    const flavor = flavors.find(({ Name }: { Name: string }) => Name === 'k.small')
    assert.ok(flavor, JSON.stringify(flavors))
    const named = ['--flavor', 'k.small', '--image', 'guest', '--availability-zone', `${CLOUD}.kvm1`]
    const told = ['--network', 'n1', '--key-name', 'k1', '--user-data', script, '--config-drive', 'True']
    await openstack('server', 'create', ...named, ...told, '--wait', 'vm1')
    assert.equal((await json('server', 'show', 'vm1')).status, 'ACTIVE')
    assert.match(await host.virsh('list', '--name'), /plimsoll-/)
    const [port] = await json('port', 'list', '--server', 'vm1')
    mac = port['MAC Address']
    assert.match(mac, /^fa:16:3e:/)
  })
  await step(
    'on its console it proves that it runs, what it was told, which card and how much memory it has',
    async () => {
      await patiently(async () => {
        const said = await openstack('console', 'log', 'show', 'vm1')
        const [, digest, card = '', memory = ''] = /proof ([0-9a-f]{64}) of mac=(\S*) memory=(\d+ kB)/.exec(said) ?? []
        assert.equal(digest, createHash('sha256').update(`${nonce}${card}${memory}`).digest('hex'), said.slice(-500))
        assert.equal(card, mac)
        const kib = Number.parseInt(memory, 10)
        assert.ok(kib > 128 * 1024 && kib < 192 * 1024, `${memory} of 192 MiB`)
      }, BOOTS_WITHIN_MS)
    },
  )
  await step('an image is made of it while it runs, and a server of that has what the first one wrote', async () => {
    await openstack('server', 'image', 'create', '--name', 'kept', '--wait', 'vm1')
    assert.equal((await json('image', 'show', 'kept')).status, 'active')
    const script = join(broker.folder, 'user-data-2')
    await writeFile(script, '#!/bin/sh\necho "guest: kept $(dd if=/dev/vda bs=1M skip=512 count=1 | head -n 1)"\n')
    const named = ['--flavor', 'k.small', '--image', 'kept', '--availability-zone', `${CLOUD}.kvm1`]
    await openstack('server', 'create', ...named, '--network', 'n1', '--user-data', script, '--wait', 'vm2')
    await patiently(async () => {
      const said = await openstack('console', 'log', 'show', 'vm2')
      assert.ok(said.includes(`guest: kept ${nonce}`), said.slice(-500))
    }, BOOTS_WITHIN_MS)
    await openstack('server', 'delete', '--wait', 'vm2')
    await openstack('image', 'delete', 'kept')
  })
  await step('it is shut down by its power button, and started again', async () => {
    await openstack('server', 'stop', 'vm1')
    await patiently(async () => assert.equal((await json('server', 'show', 'vm1')).status, 'SHUTOFF'), 60_000)
    await openstack('server', 'start', 'vm1')
    await patiently(async () => assert.equal((await json('server', 'show', 'vm1')).status, 'ACTIVE'), 60_000)
  })
  await step('it is rescued: another disk runs, and its own is the second; then its own runs again', async () => {
    const second = async () => (await openstack('console', 'log', 'show', 'vm1')).includes(`guest: second ${nonce}`)
    assert.equal(await second(), false)
    await openstack('server', 'rescue', '--image', 'guest', '--password', 'tea', 'vm1')
    await patiently(async () => assert.equal((await json('server', 'show', 'vm1')).status, 'RESCUE'), 60_000)
    assert.match(await host.virsh('vol-list', host.pool), /plimsoll\.server\.\S+\.rescue/)
    await patiently(async () => assert.ok(await second()), BOOTS_WITHIN_MS)
    await openstack('server', 'unrescue', 'vm1')
    await patiently(async () => assert.equal((await json('server', 'show', 'vm1')).status, 'ACTIVE'), 60_000)
    assert.doesNotMatch(await host.virsh('vol-list', host.pool), /rescue/)
  })
  await step('it is shelved, off and promised nothing, and comes back', async () => {
    await openstack('server', 'shelve', 'vm1')
    await patiently(async () => assert.equal((await json('server', 'show', 'vm1')).status, 'SHELVED_OFFLOADED'), 60_000)
    assert.doesNotMatch(await host.virsh('list', '--name'), /plimsoll-/)
    await openstack('server', 'unshelve', 'vm1')
    await patiently(async () => assert.equal((await json('server', 'show', 'vm1')).status, 'ACTIVE'), 60_000)
  })
  await step('it becomes a larger one, and its guest counts more memory', async () => {
    await openstack('server', 'resize', '--flavor', 'k.large', 'vm1')
    await patiently(async () => assert.equal((await json('server', 'show', 'vm1')).status, 'VERIFY_RESIZE'), 90_000)
    await openstack('server', 'resize', 'confirm', 'vm1')
    await patiently(async () => {
      const said = await openstack('console', 'log', 'show', 'vm1')
      const memory = [...said.matchAll(/proof .* memory=(\d+) kB/g)].map(([, kib]) => Number(kib)).at(-1) ?? 0
      assert.ok(memory > 192 * 1024 && memory < 288 * 1024, `${memory} KiB of 288 MiB`)
    }, BOOTS_WITHIN_MS)
  })
  await step('what is written on its console takes nothing away from the pool of the disks', async () => {
    const [name = ''] = /plimsoll-\S+/.exec(await host.virsh('list', '--all', '--name')) ?? []
    const [, log = ''] = /<log file='([^']+)'/.exec(await host.virsh('dumpxml', name)) ?? []
    // The beginning of an image that ends too soon.
    const header = new Uint8Array(72)
    header.set([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3])
    await writeFile(log, header)
    const [own = ''] = /plimsoll\.server\.\S+\.log/.exec(await host.virsh('pool-list', '--name')) ?? []
    await assert.rejects(host.virsh('pool-refresh', own))
    await host.virsh('pool-refresh', host.pool)
    assert.match(await host.virsh('vol-list', host.pool), /plimsoll\.server\.\S+\.root/)
    assert.doesNotMatch(await host.virsh('vol-list', host.pool), /log/)
  })
  await step('deleted with its image and its network it leaves nothing on the host', async () => {
    await openstack('server', 'delete', '--wait', 'vm1')
    await openstack('network', 'delete', 'n1')
    await openstack('image', 'delete', 'guest')
    await patiently(async () => {
      const lists = [
        ['list', '--all', '--name'],
        ['vol-list', host.pool],
        ['pool-list', '--all'],
        ['net-list', '--all'],
        ['nwfilter-list'],
      ]
      const left = (await Promise.all(lists.map((words) => host.virsh(...words)))).join('\n')
      assert.doesNotMatch(left, /plimsoll/)
    }, 90_000)
  })
}
