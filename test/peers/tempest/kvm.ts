import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Libvirtd, lacking, launch as launchLibvirtd } from '../libvirt/launch.ts'
import { LOGIN, loginImage } from '../libvirt/login-guest.ts'
import { qcow2 } from '../mixed/disk.ts'
import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import { type Child, launch } from '../support/child.ts'
import { inventory } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import { relay } from '../support/relay.ts'
import type { Stage } from './clouds.ts'

const CLOUD = 'rack8'
const OPTIONS = {
  sizes: [
    { name: 'k.small', vcpus: 1, ram_mib: 192, disk_gib: 1 },
    { name: 'k.medium', vcpus: 2, ram_mib: 256, disk_gib: 1 },
  ],
  shutdown_seconds: 1,
  allow_private: true,
}
const RELAY = fileURLToPath(new URL('../support/relay.ts', import.meta.url))
const WITHIN_MS = 120_000

/** An image that everybody may use; its id. */
const uploaded = async (admin: Api, { url }: Pick<Broker, 'url'>, name: string, body: Uint8Array<ArrayBuffer>) => {
  const bare = { name, disk_format: 'qcow2', container_format: 'bare', visibility: 'public' }
  const { id } = await admin.must('POST', '/image/v2/images', bare)
  const headers = { 'X-Auth-Token': admin.token, 'Content-Type': 'application/octet-stream' }
  const { status } = await fetch(`${url}/image/v2/images/${id}/file`, { method: 'PUT', headers, body })
  if (status !== 204) throw new Error(`the data of image ${name} are answered with ${status}`)
  await patiently(async () => {
    const seen = await admin.must('GET', `/image/v2/images/${id}`)
    if (seen.status !== 'active') throw new Error(`image ${name} is ${seen.status}`)
  }, WITHIN_MS)
  return id as string
}

/** Makes a broker answer where the host's own network is, under the URL that it has here. */
const reachFrom = async ({ entering }: Libvirtd, { url, folder }: Pick<Broker, 'url' | 'folder'>) => {
  const port = new URL(url).port
  const socket = join(folder, 'relay')
  const server = await relay(socket, Number(port))
  const [command = '', ...args] = [...entering, process.execPath, RELAY, port, socket]
  const child: Child = launch({ command, args })
  await patiently(async () => {
    if (!child.output().includes('listening')) throw new Error(`no broker answers on the host:\n${child.tail()}`)
  }, WITHIN_MS)
  return async () => {
    await child.stop()
    server.close()
  }
}

const marked = async ({ virsh, pool }: Libvirtd): Promise<string[]> => {
  const lists = [
    ['list', '--all', '--name'],
    ['vol-list', pool],
    ['pool-list', '--all'],
    ['net-list', '--all'],
    ['nwfilter-list'],
  ]
  const told = await Promise.all(lists.map((words) => virsh(...words)))
  return told.flatMap((text) => text.match(/plimsoll\S*/g) ?? [])
}

/**
 * A KVM host, whose libvirtd and QEMU are real. Most tests only want servers that are there: those have a disk from which nothing
 * boots. To guests that do boot people log in from the host itself, so Tempest runs there.
 */
export const libvirt = async (admin: Api, broker: Broker): Promise<Stage> => {
  const lack = await lacking()
  if (lack) throw new Error(`there is no KVM host: ${lack}`)
  const host = await launchLibvirtd()
  const ends: (() => Promise<unknown>)[] = [host.stop]
  const close = async () => {
    for (const end of ends.toReversed()) await end()
  }
  try {
    ends.push(await reachFrom(host, broker))
    const options = { ...OPTIONS, hosts: [{ name: 'kvm1', uri: host.uri }] }
    const cloud = { name: CLOUD, type: 'libvirt', endpoint: null, options, credentials: {} }
    await admin.must('POST', '/broker/v1/clouds', { cloud })
    await admin.must('PUT', `/broker/v1/projects/${admin.projectId}/clouds/${CLOUD}`, { mapping: {} })
    await inventory(admin, broker, CLOUD)
    const file = await loginImage()
    const still = (content: string) => qcow2(16, content)
    const images = [
      await uploaded(admin, broker, 'still', still('Nothing boots from this disk.')),
      await uploaded(admin, broker, 'still-other', still('Nothing boots from this disk either.')),
      await uploaded(admin, broker, 'guest', new Uint8Array(await readFile(file))),
    ]
    return {
      cloud: CLOUD,
      image: 'still',
      otherImage: 'still-other',
      flavor: 'k.small',
      otherFlavor: 'k.medium',
      guests: { image: 'guest', file, ...LOGIN, entering: host.entering },
      clear: () => Promise.all(images.map((id) => admin.must('DELETE', `/image/v2/images/${id}`))),
      leftovers: () => marked(host),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
