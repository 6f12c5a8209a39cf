import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Libvirtd, lacking, launch as launchLibvirtd } from '../libvirt/launch.ts'
import { LOGIN, loginImage } from '../libvirt/login-guest.ts'
import { marked } from '../libvirt/marked.ts'
import { qcow2 } from '../mixed/disk.ts'
import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import { type Child, launch } from '../support/child.ts'
import { inventory } from '../support/cloud.ts'
import { patiently } from '../support/patiently.ts'
import { relay } from '../support/relay.ts'
import { uploadImage } from '../support/upload.ts'
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
    const upload = (name: string, body: Uint8Array<ArrayBuffer>) =>
      uploadImage(broker, admin, { name, visibility: 'public' }, body)
    const images = [
      await upload('still', still('Nothing boots from this disk.')),
      await upload('still-other', still('Nothing boots from this disk either.')),
      await upload('guest', new Uint8Array(await readFile(file))),
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
