import { adapterCases } from '../cases.ts'
import { sandboxWorld } from './world.ts'

adapterCases('sandbox', async () => sandboxWorld())
adapterCases('sandbox, once by UUID, hidden for a while, in small pages', async () =>
  sandboxWorld({ profile: 'unique', visibility_delay_ms: 3_000, page_size: 2, network_ms: 700, tombstone_ms: 5_000 }),
)
adapterCases('sandbox, never deduplicating', async () => sandboxWorld({ profile: 'none', latency_ms: 20 }))
