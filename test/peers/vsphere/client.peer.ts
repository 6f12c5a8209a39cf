import { playStory } from '../openstackclient/index.ts'
import type { World } from '../openstackclient/story.ts'
import { addCloud, dropSandbox } from '../support/cloud.ts'
import type { Report } from '../support/report.ts'
import { OPTIONS } from './cloud.ts'
import { launch, type Vcsim } from './launch.ts'
import { marked, seenOnVcsim } from './seen.ts'
import { vsphereTale } from './tale.ts'

const CREDENTIALS = { username: 'plimsoll@vsphere.local', password: 's3cret-of-vcenter' }
const SIZES = [
  { name: 'vs.small', vcpus: 1, ram_mib: 2048, disk_gib: 20 },
  { name: 'vs.medium', vcpus: 2, ram_mib: 4096, disk_gib: 40 },
  { name: 'vs.xlarge', vcpus: 8, ram_mib: 16_384, disk_gib: 160 },
]

/** The OpenStack client on vCenter, which is vcsim here, on both runtimes, with a look at what vcsim itself holds. */
export const clientOnVcsim = async (report: Report): Promise<void> => {
  const simulators: Vcsim[] = []
  try {
    await playStory(
      'vsphere',
      report,
      async (world) => {
        // One each: what is left over is then whose it is.
        const vcsim = await launch()
        simulators.push(vcsim)
        await dropSandbox(world)
        await addVcenter(world, vcsim.url)
        return {
          vars: {
            cloud: 'dc1-vsphere',
            zone: 'dc1-vsphere.DC0_C0',
            image: 'debian-12',
            flavor: 'm1.small',
            bigger: 'm1.medium',
          },
          seen: seenOnVcsim(vcsim),
          leftovers: async () => marked(await vcsim.inventory()),
        }
      },
      vsphereTale,
    )
  } finally {
    for (const vcsim of simulators) await vcsim.stop()
  }
}

/** A vCenter as it is registered, but for its address. */
export const VCENTER = {
  name: 'dc1-vsphere',
  type: 'vsphere',
  options: { ...OPTIONS, sizes: SIZES, allow_private: true },
  credentials: CREDENTIALS,
}

/** The vCenter beside whatever is there. */
export const addVcenter = (world: Pick<World, 'admin' | 'demo' | 'broker'>, endpoint: string): Promise<void> =>
  addCloud(world, { ...VCENTER, endpoint })
