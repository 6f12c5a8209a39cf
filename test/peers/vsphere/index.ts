import type { Report } from '../support/report.ts'
import { adapterOnVcsim } from './adapter.peer.ts'
import { adoptedOnVcsim } from './adopt.peer.ts'
import { clientOnVcsim } from './client.peer.ts'
import { eventsOnVcsim } from './events.peer.ts'
import { killedOnVcsim } from './killed.peer.ts'

/**
 * vCenter, which is govmomi's simulator here: the adapter by itself, then the OpenStack client on both runtimes, then what
 * others do in vCenter, what they have there and hand over, and the broker under kills.
 */
export const vsphere = async (report: Report): Promise<void> => {
  await adapterOnVcsim(report)
  await clientOnVcsim(report)
  await eventsOnVcsim(report)
  await adoptedOnVcsim(report)
  await killedOnVcsim(report)
}
