import { dialects } from '../http/dialects.ts'
import type { Service } from '../http/service.ts'
import { attachmentOperations } from './attachments.ts'
import { availabilityZoneOperations } from './availability-zones.ts'
import { backupOperations } from './backups.ts'
import { extensionOperations } from './extensions.ts'
import { groupOperations } from './groups/groups.ts'
import { groupSnapshotOperations } from './groups/snapshots.ts'
import { groupTypeOperations } from './groups/types.ts'
import { limitOperations } from './limits.ts'
import { messageOperations } from './messages.ts'
import { clusterOperations } from './operators/clusters.ts'
import { manageOperations } from './operators/manage.ts'
import { manageSnapshotOperations } from './operators/manage-snapshots.ts'
import { poolOperations } from './operators/pools.ts'
import { serviceOperations } from './operators/services.ts'
import { quotaSetOperations } from './quota-sets.ts'
import { refuse } from './refusals.ts'
import { resourceFilterOperations } from './resource-filters.ts'
import { inProject } from './routes.ts'
import { snapshotOperations } from './snapshots.ts'
import { transferOperations } from './transfers.ts'
import { typeOperations } from './types/index.ts'
import { MICROVERSIONS, versionOperations } from './versions.ts'
import { volumeActionOperations } from './volume-actions.ts'
import { createOperation } from './volume-create.ts'
import { volumeMetadataOperations } from './volume-metadata.ts'
import { volumeOperations } from './volumes.ts'

/** Volumes and snapshots, as Cinder's API version 3 has them. */
export const blockStorage: Service = {
  types: ['block-storage', 'volumev3'],
  name: 'cinder',
  prefix: '/volume',
  endpoint: '/volume/v3/{project_id}',
  dialect: dialects.blockStorage,
  microversions: MICROVERSIONS,
  operations: [
    ...versionOperations,
    ...inProject([
      createOperation,
      ...volumeOperations,
      ...volumeActionOperations,
      ...volumeMetadataOperations,
      ...snapshotOperations,
      ...typeOperations,
      ...attachmentOperations,
      ...quotaSetOperations,
      ...limitOperations,
      ...availabilityZoneOperations,
      ...extensionOperations,
      ...backupOperations,
      ...groupTypeOperations,
      ...groupOperations,
      ...groupSnapshotOperations,
      ...transferOperations,
      ...messageOperations,
      ...poolOperations,
      ...clusterOperations,
      ...serviceOperations,
      ...manageOperations,
      ...manageSnapshotOperations,
      ...resourceFilterOperations,
    ]),
  ],
  refuse,
}
