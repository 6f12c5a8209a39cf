import { aws } from './aws/index.ts'
import { libvirt } from './libvirt/index.ts'
import type { loaders as loaded } from './loaded.ts'
import { sandbox } from './sandbox/index.ts'
import { vsphere } from './vsphere/index.ts'

/**
 * A Worker is one file whatever is loaded when, and a bundler takes all of what is imported at run time, used or not: a
 * fifth more, most of it the EC2 calls that nobody makes.
 */
export const loaders: typeof loaded = {
  sandbox: async () => sandbox,
  aws: async () => aws,
  libvirt: async () => libvirt,
  vsphere: async () => vsphere,
}
