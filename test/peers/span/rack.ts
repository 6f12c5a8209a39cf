import { lacking, launch } from '../libvirt/launch.ts'
import { marked } from '../libvirt/marked.ts'
import { qcow2 } from '../mixed/disk.ts'
import { addCloud } from '../support/cloud.ts'
import { HOME, type Home, IMAGE_NAME, LENT } from './home.ts'

const HOST = 'kvm1'
const SIZES = [
  { name: 'k.small', vcpus: 1, ram_mib: 2048, disk_gib: 20 },
  { name: 'k.medium', vcpus: 2, ram_mib: 4096, disk_gib: 40 },
]
/** What is not promised to servers of what a host has, in MiB. */
const KEPT = 512
const GREEDY = 'greedy'

/** A KVM host, whose libvirtd and QEMU are real; from the disks of its servers nothing boots. */
export const rack = async (): Promise<Home> => {
  const lack = await lacking()
  if (lack) throw new Error(`there is no KVM host: ${lack}`)
  const host = await launch()
  return {
    physical: `${HOME}.${HOST}`,
    zone: `${HOME}.${HOST}`,
    vcsim: null,
    async add(people, upload) {
      const options = {
        hosts: [{ name: HOST, uri: host.uri }],
        sizes: SIZES,
        room: LENT,
        reserved_ram_mib: KEPT,
        shutdown_seconds: 0,
        allow_private: true,
      }
      await addCloud(people, { name: HOME, type: 'libvirt', endpoint: null, credentials: {}, options })
      if (!upload) throw new Error('the image of this home has to be uploaded')
      await upload(IMAGE_NAME, qcow2(16, 'Nothing boots from this disk.'))
    },
    async clear({ demo }) {
      const { images } = await demo.must('GET', `/image/v2/images?name=${IMAGE_NAME}`)
      for (const { id } of images) await demo.must('DELETE', `/image/v2/images/${id}`)
    },
    // Somebody else's machine has the memory.
    async refuse() {
      const kib = Number(/Memory size: *(\d+) KiB/.exec(await host.virsh('nodeinfo'))?.[1])
      const mib = Math.floor(kib / 1024) - KEPT
      const usual = ['--virt-type', 'qemu', '--osinfo', 'debian11', '--vcpus', '1', '--memory', String(mib)]
      const rest = ['--disk', 'none', '--network', 'none', '--graphics', 'none', '--import', '--noautoconsole']
      await host.virtInstall('--name', GREEDY, ...usual, ...rest)
    },
    async heal() {
      if (!(await host.virsh('list', '--all', '--name')).split('\n').includes(GREEDY)) return
      await host.virsh('destroy', GREEDY)
      await host.virsh('undefine', GREEDY)
    },
    running: async () => (await host.virsh('list', '--name')).match(/plimsoll-\S+/g)?.length ?? 0,
    leftovers: () => marked(host),
    stop: host.stop,
  }
}
