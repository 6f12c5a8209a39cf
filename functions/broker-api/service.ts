import { dialects } from '../http/dialects.ts'
import type { Service } from '../http/service.ts'
import { adoptOperations } from './adopt.ts'
import { bindingOperations } from './bindings.ts'
import { capabilityOperations } from './capabilities.ts'
import { cloudOperations } from './clouds.ts'
import { exportOperations } from './export.ts'
import { imageCopyOperations } from './image-copies.ts'
import { imageQuotaOperations } from './image-quotas.ts'
import { linkOperations } from './links.ts'
import { mappingOperations } from './mappings.ts'
import { networkPlanOperations } from './network-plans.ts'
import { offerOperations } from './offers.ts'
import { orphanOperations } from './orphans.ts'
import { placementOperations } from './placements.ts'
import { policyOperations } from './policies.ts'
import { reconcileOperations } from './reconcile.ts'
import { refuse } from './refusals.ts'
import { releaseOperations } from './release.ts'
import { versionOperations } from './versions.ts'

/** The broker's own API: what is below the line, for those who run it. */
export const broker: Service = {
  types: ['plimsoll'],
  name: 'plimsoll',
  prefix: '/broker',
  endpoint: '/broker/v1',
  dialect: dialects.broker,
  operations: [
    ...versionOperations,
    ...cloudOperations,
    ...mappingOperations,
    ...policyOperations,
    ...linkOperations,
    ...networkPlanOperations,
    ...imageCopyOperations,
    ...imageQuotaOperations,
    ...offerOperations,
    ...capabilityOperations,
    ...placementOperations,
    ...bindingOperations,
    ...adoptOperations,
    ...releaseOperations,
    ...exportOperations,
    ...orphanOperations,
    ...reconcileOperations,
  ],
  refuse,
}
