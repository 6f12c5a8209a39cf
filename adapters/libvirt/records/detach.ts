import { CloudError } from '../../errors.ts'
import { unlessGone } from '../../shared/refusals.ts'
import type { Host } from '../wire/host.ts'
import { DETACH_DEVICE, type DomainRef, KEPT, LIVE } from '../wire/procedures.ts'

/** QEMU refuses to ask a guest again so soon, in words that nobody translates: it is what was wanted. */
const unlessAsked = async (detach: () => Promise<unknown>): Promise<void> => {
  try {
    await detach()
  } catch (error) {
    const words = error instanceof CloudError ? error.detail.operatorMessage : undefined
    if (!words?.includes('in the process of unplug')) throw error
  }
}

/**
 * Takes a device out of a domain. What is kept lets go at once, and first; a guest that runs has to let go itself: until it has
 * the device is there, and is asked for again.
 */
export const detach = async (host: Host, domain: DomainRef, xml: string): Promise<void> => {
  for (const flags of domain.id < 0 ? [KEPT] : [KEPT, LIVE])
    await unlessGone(() => unlessAsked(() => host.call(DETACH_DEVICE, { domain, xml, flags })))
}
