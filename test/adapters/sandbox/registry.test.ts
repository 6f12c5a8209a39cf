import { describe, expect, it } from 'vitest'
import { CAPABILITIES } from '../../../adapters/contract.ts'
import { adapterFor, adapters, capabilitiesOf } from '../../../adapters/registry.ts'
import { sandboxWorld } from './world.ts'

describe('the registry', () => {
  it('knows each cloud by its type', async () => {
    expect((await adapterFor('sandbox'))?.type).toBe('sandbox')
    expect(await adapterFor('no-such')).toBeNull()
    expect(await adapterFor('toString')).toBeNull()
    for (const [type, load] of Object.entries(adapters)) expect((await load()).type).toBe(type)
  })

  it('derives capabilities from what is there, with the reason where something is not', () => {
    const { cloud, adapter } = sandboxWorld()
    const all = capabilitiesOf(cloud, adapter)
    expect(Object.keys(all).sort()).toEqual([...CAPABILITIES].sort())
    expect(all['server.pause']).toEqual({ available: true })
    expect(all['server.fork']).toEqual({ available: false, reason: adapter.lacks['server.fork'] })
    const { volume: _, ...less } = cloud
    const { unpause: __, ...server } = cloud.server
    const fewer = capabilitiesOf({ ...less, server }, adapter)
    expect(fewer.volume).toEqual({ available: false, reason: 'This cloud has no volume.' })
    expect(fewer['server.pause'].available).toBe(false)
  })
})
