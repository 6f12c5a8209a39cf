import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { adapters } from '../adapters/registry.ts'
import { limitations, type Skips } from './adapters/cases.ts'
import { SKIPS as LIBVIRT } from './peers/libvirt/adapter.peer.ts'
import { SKIPS as AWS } from './peers/moto/adapter.peer.ts'
import { SKIPS as VSPHERE } from './peers/vsphere/adapter.peer.ts'
import { limitationsPage } from './support/limitations.ts'

/** Skip lists of the adapter suites, by type. */
const skips: Record<string, Skips> = { aws: AWS, libvirt: LIBVIRT, vsphere: VSPHERE }

it('docs/limitations.md says what the adapters and their skip lists say', async () => {
  // Other tests register types of their own, which have no folder.
  const shipped = Object.keys(adapters).filter((type) => existsSync(new URL(`../adapters/${type}/`, import.meta.url)))
  const all = await Promise.all(shipped.map((type) => adapters[type]!()))
  const page = limitationsPage(all.map((adapter) => ({ adapter, skipped: limitations(skips[adapter.type] ?? {}) })))
  await expect(page).toMatchFileSnapshot('../docs/limitations.md')
})
