import type { Report } from '../support/report.ts'
import { adapterOnVcsim } from './adapter.peer.ts'

/** vCenter, which is govmomi's simulator here. */
export const vsphere = (report: Report): Promise<void> => adapterOnVcsim(report)
