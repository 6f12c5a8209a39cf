import type { Operation } from '../../http/operation.ts'
import { typeAccessOperations } from './access.ts'
import { defaultTypeOperations } from './default-types.ts'
import { typeEncryptionOperations } from './encryption.ts'
import { extraSpecOperations } from './extra-specs.ts'
import { qosSpecOperations } from './qos-specs.ts'
import { volumeTypeOperations } from './types.ts'

/** Volume types and all that is said of them. */
export const typeOperations: Operation[] = [
  ...volumeTypeOperations,
  ...extraSpecOperations,
  ...typeAccessOperations,
  ...typeEncryptionOperations,
  ...defaultTypeOperations,
  ...qosSpecOperations,
]
