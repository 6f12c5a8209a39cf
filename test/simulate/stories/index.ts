import { burst } from './bursts.ts'
import { floatingIp, network, routed } from './networks.ts'
import { adoption, orphan } from './operator.ts'
import { connected, image, keypair, port, server } from './servers.ts'
import { attachment, snapshot, volume } from './storage.ts'
import type { Story } from './talk.ts'

export type Stories = Record<string, { weight: number; story: Story }>

/** Each story as often as its weight says: the dear ones seldom, so that many seeds fit into a minute. */
export const stories: Stories = {
  volume: { weight: 42, story: volume },
  snapshot: { weight: 10, story: snapshot },
  'floating ip': { weight: 10, story: floatingIp },
  server: { weight: 12, story: server },
  keypair: { weight: 4, story: keypair },
  attachment: { weight: 5, story: attachment },
  'connected server': { weight: 5, story: connected },
  image: { weight: 2, story: image },
  port: { weight: 3, story: port },
  network: { weight: 3, story: network },
  'routed network': { weight: 3, story: routed },
  adoption: { weight: 3, story: adoption },
  orphan: { weight: 1, story: orphan },
  burst: { weight: 4, story: burst },
}
