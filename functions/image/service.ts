import { dialects } from '../http/dialects.ts'
import type { Service } from '../http/service.ts'
import { cacheOperations } from './cache.ts'
import { imageDataOperations } from './image-data.ts'
import { imagePatchOperations } from './image-patch.ts'
import { imageOperations } from './images.ts'
import { importOperations } from './imports.ts'
import { infoOperations } from './info.ts'
import { memberOperations } from './members.ts'
import { metadefItemOperations } from './metadefs/items.ts'
import { namespaceOperations } from './metadefs/namespaces.ts'
import { resourceTypeOperations } from './metadefs/resource-types.ts'
import { refuse } from './refusals.ts'
import { schemaOperations } from './schemas.ts'
import { storeOperations } from './stores.ts'
import { tagOperations } from './tags.ts'
import { taskOperations } from './tasks.ts'
import { versionOperations } from './versions.ts'

/** Images, as Glance's API version 2 has them. */
export const image: Service = {
  types: ['image'],
  name: 'glance',
  prefix: '/image',
  endpoint: '/image',
  dialect: dialects.image,
  operations: [
    ...versionOperations,
    ...imageOperations,
    ...imagePatchOperations,
    ...imageDataOperations,
    ...tagOperations,
    ...memberOperations,
    ...schemaOperations,
    ...infoOperations,
    ...importOperations,
    ...taskOperations,
    ...cacheOperations,
    ...storeOperations,
    ...namespaceOperations,
    ...metadefItemOperations,
    ...resourceTypeOperations,
  ],
  refuse,
}
