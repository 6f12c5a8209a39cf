import { dialects } from '../http/dialects.ts'
import type { Service } from '../http/service.ts'
import { aggregateOperations } from './aggregates.ts'
import { availabilityZoneOperations } from './availability-zones.ts'
import { extensionOperations } from './extensions.ts'
import { flavorAccessOperations } from './flavor-access.ts'
import { flavorExtraSpecOperations } from './flavor-extra-specs.ts'
import { flavorOperations } from './flavors.ts'
import { hypervisorOperations } from './hypervisors.ts'
import { imageMetadataOperations } from './image-metadata.ts'
import { imageOperations } from './images.ts'
import { keypairOperations } from './keypairs.ts'
import { limitOperations } from './limits.ts'
import { migrationOperations } from './migrations.ts'
import { externalEventOperations } from './operators/external-events.ts'
import { hostOperations } from './operators/hosts.ts'
import { usageAuditOperations } from './operators/usage-audit.ts'
import { proxyOperations } from './proxies/index.ts'
import { quotaOperations } from './quotas.ts'
import { refuse } from './refusals.ts'
import { serverGroupOperations } from './server-groups.ts'
import { serverOperations } from './servers/index.ts'
import { serviceOperations } from './services.ts'
import { tenantUsageOperations } from './tenant-usage.ts'
import { MICROVERSIONS, rootOperations, versionOperations } from './versions.ts'

/** Nova v2.1, microversions 2.1 to 2.96. Every route is below the version, so that its links are too. */
export const compute: Service = {
  types: ['compute'],
  name: 'nova',
  prefix: '/compute/v2.1',
  endpoint: '/compute/v2.1',
  dialect: dialects.compute,
  microversions: MICROVERSIONS,
  operations: [
    ...versionOperations,
    ...serverOperations,
    ...flavorOperations,
    ...flavorExtraSpecOperations,
    ...flavorAccessOperations,
    ...keypairOperations,
    ...imageOperations,
    ...imageMetadataOperations,
    ...availabilityZoneOperations,
    ...quotaOperations,
    ...limitOperations,
    ...extensionOperations,
    ...serverGroupOperations,
    ...tenantUsageOperations,
    ...serviceOperations,
    ...hypervisorOperations,
    ...aggregateOperations,
    ...hostOperations,
    ...externalEventOperations,
    ...migrationOperations,
    ...usageAuditOperations,
    ...proxyOperations,
  ],
  refuse,
}

/** What stands above the version: the list of versions, for clients that look before they speak. Not in the catalogue; mounted last. */
export const computeRoot: Service = {
  types: [],
  name: 'nova',
  prefix: '/compute',
  endpoint: '/compute',
  dialect: dialects.compute,
  operations: rootOperations,
}
