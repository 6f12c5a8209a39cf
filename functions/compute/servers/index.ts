import type { Operation } from '../../http/operation.ts'
import { refuseOrMiss } from '../refusals.ts'
import { actionOperation } from './actions/index.ts'
import { addressOperations } from './addresses.ts'
import { createOperation } from './create.ts'
import { diagnosticsOperations } from './diagnostics.ts'
import { instanceActionOperations } from './instance-actions.ts'
import { interfaceOperations } from './interfaces.ts'
import { listOperations } from './list.ts'
import { metadataOperations } from './metadata.ts'
import { remoteConsoleOperations } from './remote-consoles.ts'
import { serverItemOperations } from './server.ts'
import { tagOperations } from './tags.ts'
import { unavailableOperations } from './unavailable.ts'
import { volumeAttachmentOperations } from './volume-attachments.ts'

/** Servers and everything below them. https://docs.openstack.org/api-ref/compute/#servers-servers */
export const serverOperations: Operation[] = [
  createOperation,
  ...listOperations,
  ...serverItemOperations,
  actionOperation,
  ...metadataOperations,
  ...tagOperations,
  ...addressOperations,
  ...instanceActionOperations,
  ...volumeAttachmentOperations,
  ...remoteConsoleOperations,
  ...diagnosticsOperations,
  ...unavailableOperations,
  ...interfaceOperations.map((operation): Operation => ({ ...operation, refuse: refuseOrMiss })),
]
