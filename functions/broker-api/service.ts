import { dialects } from '../http/dialects.ts'
import type { Service } from '../http/service.ts'
import { adoptOperations } from './adopt.ts'
import { bindingOperations } from './bindings.ts'
import { burstOperations } from './bursts/bursts.ts'
import { capabilityOperations } from './capabilities.ts'
import { cloudOperations } from './clouds.ts'
import { loadOperations } from './console/loads.ts'
import { sessionOperations } from './console/session.ts'
import { deliveryOperations } from './events/deliveries.ts'
import { eventOperations } from './events/events.ts'
import { journalOperations } from './events/journal.ts'
import { webhookQuotaOperations } from './events/quota.ts'
import { webhookOperations } from './events/webhooks.ts'
import { exportOperations } from './export/export.ts'
import { healthOperations } from './health/health.ts'
import { imageCopyOperations } from './image-copies.ts'
import { imageQuotaOperations } from './image-quotas.ts'
import { linkOperations } from './links.ts'
import { mappingOperations } from './mappings.ts'
import { costOperations } from './money/costs.ts'
import { networkPlanOperations } from './network-plans.ts'
import { offerOperations } from './offers.ts'
import { orphanOperations } from './orphans.ts'
import { placementOperations } from './placements.ts'
import { policyOperations } from './policies.ts'
import { priceOperations } from './prices.ts'
import { projectTemplateOperations } from './project-templates.ts'
import { reconcileOperations } from './reconcile.ts'
import { refuse } from './refusals.ts'
import { refusedOfferOperations } from './refused-offers.ts'
import { releaseOperations } from './release.ts'
import { arrivalOperations } from './servers/arrivals.ts'
import { forkOperations } from './servers/forks.ts'
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
    ...healthOperations,
    ...sessionOperations,
    ...cloudOperations,
    ...mappingOperations,
    ...projectTemplateOperations,
    ...policyOperations,
    ...priceOperations,
    ...linkOperations,
    ...networkPlanOperations,
    ...imageCopyOperations,
    ...imageQuotaOperations,
    ...loadOperations,
    ...offerOperations,
    ...refusedOfferOperations,
    ...costOperations,
    ...capabilityOperations,
    ...placementOperations,
    ...forkOperations,
    ...journalOperations,
    ...eventOperations,
    ...burstOperations,
    ...webhookOperations,
    ...deliveryOperations,
    ...webhookQuotaOperations,
    ...arrivalOperations,
    ...bindingOperations,
    ...adoptOperations,
    ...releaseOperations,
    ...exportOperations,
    ...orphanOperations,
    ...reconcileOperations,
  ],
  refuse,
}
