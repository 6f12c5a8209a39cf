import { blockStorage } from './block-storage/service.ts'
import { broker } from './broker-api/service.ts'
import { compute, computeRoot } from './compute/service.ts'
import type { Service } from './http/service.ts'
import { identityService } from './identity/service.ts'
import { image } from './image/service.ts'
import { network } from './network/service.ts'
import { placement } from './placement/service.ts'

/** Every API that the broker speaks; the catalogue, the router and the route sweep follow from this list. */
export const services: Service[] = [
  identityService(() => services),
  broker,
  compute,
  computeRoot,
  blockStorage,
  image,
  network,
  placement,
]
