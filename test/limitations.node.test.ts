import { expect, it } from 'vitest'
import { adapters } from '../adapters/registry.ts'
import { limitations, type Skips } from './adapters/cases.ts'
import { SKIPS as AWS } from './peers/moto/adapter.peer.ts'
import { SKIPS as VSPHERE } from './peers/vsphere/adapter.peer.ts'
import { limitationsPage } from './support/limitations.ts'

/** Skip lists of the adapter suites, by type. */
const skips: Record<string, Skips> = { aws: AWS, vsphere: VSPHERE }

it('docs/limitations.md says what the adapters and their skip lists say', async () => {
  const all = await Promise.all(Object.values(adapters).map((load) => load()))
  const page = limitationsPage(all.map((adapter) => ({ adapter, skipped: limitations(skips[adapter.type] ?? {}) })))
  await expect(page).toMatchFileSnapshot('../docs/limitations.md')
})
