import type { FloatingIpSeen, FloatingIpSpec } from '../../../adapters/contract.ts'
import { bindingsOn } from '../../../db/queries/line/bindings.ts'
import { type FloatingIpRow, floatingIpById, noteFloatingIp } from '../../../db/queries/network/floating-ips.ts'
import { everyProject } from '../../../db/scope.ts'
import { steps } from '../line/steps.ts'

interface Loaded {
  address: FloatingIpRow
  /** Native id of the port it shall lead to; null: none, or the port is not realised yet. */
  port: string | null
}

/** A public address is taken first and led somewhere afterwards: the two fail for different reasons. */
export const floatingIpSteps = steps<Loaded, FloatingIpSpec, FloatingIpSeen>({
  kind: 'floating_ip',
  realm: (cloud) => cloud.floating_ip,
  load: async ({ db }, { resourceId, cloudId }) => {
    const address = await floatingIpById(db, everyProject, resourceId)
    if (!address) return null
    const bound = address.portId ? await bindingsOn(db, cloudId, [address.portId]) : []
    const port = bound.find(({ kind, phase, want }) => kind === 'port' && phase === 'bound' && want === 'present')
    return { address, port: port?.nativeId ?? null }
  },
  needs: () => [],
  spec: (_, { address, port }, __, ___, stage) => ({
    target: stage === 'apply' && port && address.fixedIpAddress ? { port, address: address.fixedIpAddress } : null,
  }),
  observe: ({ db, now }, { address }, _, seen) => {
    const status = seen.port !== null && address.portId !== null ? 'ACTIVE' : 'DOWN'
    const same = address.floatingIpAddress === seen.address && address.status === status
    // Only when the cloud gives it does its user have it, and pay for it.
    const had = address.floatingIpAddress === null ? { updatedAt: now() } : {}
    return same ? [] : [noteFloatingIp(db, address.id, { floatingIpAddress: seen.address, status, ...had })]
  },
  failed: ({ db }, { address }) => [noteFloatingIp(db, address.id, { status: 'ERROR' })],
})
