import { addCloud, type People } from '../support/cloud.ts'
import { VCENTER } from '../vsphere/client.peer.ts'
import { launch, type Vcsim } from '../vsphere/launch.ts'
import { marked } from '../vsphere/seen.ts'

export const HOME = 'dc1'
export const IMAGE_NAME = 'debian-12'

/** Uploads an image of format qcow2 for the project. */
export type Upload = (name: string, body: Uint8Array<ArrayBuffer>) => Promise<unknown>

/** The cloud that is filled first, by its own books. */
export interface Home {
  /** As a segment names it. */
  physical: string
  zone: string
  /** Where it is a simulated vCenter. */
  vcsim: Vcsim | null
  /** Registers it, with an image of the name that all clouds have. */
  add(people: People, upload?: Upload): Promise<void>
  /** Takes away what it was given for the story. */
  clear(people: Pick<People, 'demo'>): Promise<void>
  /** Makes it have no room for so many more servers at least. */
  refuse(times: number): Promise<void>
  heal(): Promise<void>
  /** How many machines of ours run. */
  running(): Promise<number>
  leftovers(): Promise<string[]>
  stop(): Promise<unknown>
}

/**
 * What an operator says that the hosts at home lend: by themselves simulated ones have memory for little more than three servers, and
 * what is on its way counts twice there, and a real one may have two processors, so that not the mark of a story would be what ends home.
 */
export const LENT = { vcpus: 64, ram_mib: 131_072 }

/** vSphere, which is vcsim here. */
export const vcenter = async (): Promise<Home & { vcsim: Vcsim }> => {
  const vcsim = await launch()
  return {
    physical: HOME,
    zone: `${HOME}.DC0_C0`,
    vcsim,
    add: (people) =>
      addCloud(people, {
        ...{ ...VCENTER, name: HOME, endpoint: vcsim.url },
        options: { ...VCENTER.options, room: LENT },
      }),
    clear: async () => {},
    refuse: (times) => vcsim.fail('CloneVM_Task', 'InsufficientResourcesFault', times),
    heal: () => vcsim.heal(),
    async running() {
      const { machines } = await vcsim.inventory()
      return machines.filter(({ settings, power }) => settings['plimsoll.mark'] && power === 'poweredOn').length
    },
    leftovers: async () => marked(await vcsim.inventory()),
    stop: vcsim.stop,
  }
}
