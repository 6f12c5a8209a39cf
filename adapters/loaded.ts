/** A process loads an adapter, and the SDK of its cloud, when first a cloud of its type is met. */
export const loaders = {
  sandbox: async () => (await import('./sandbox/index.ts')).sandbox,
  aws: async () => (await import('./aws/index.ts')).aws,
  libvirt: async () => (await import('./libvirt/index.ts')).libvirt,
  vsphere: async () => (await import('./vsphere/index.ts')).vsphere,
}
