import { blockStorage } from './block-storage/service.ts'
import { broker } from './broker-api/service.ts'
import { compute, computeRoot } from './compute/service.ts'
import type { Operation } from './http/operation.ts'
import type { Service } from './http/service.ts'
import { identityService } from './identity/service.ts'
import { image } from './image/service.ts'
import { network } from './network/service.ts'
import { documentOperation } from './openapi/serve.ts'
import { placement } from './placement/service.ts'

/** Whether a prefix is a name and nothing below it: what describes the service stands there. */
const isRoot = ({ prefix }: Service): boolean => !prefix.includes('/', 1)

/** Of everything that stands below the name, itself first. */
const documentOf = ({ prefix }: Service): Operation =>
  documentOperation(() => [
    ...services.filter((each) => each.prefix === prefix),
    ...services.filter((each) => each.prefix.startsWith(`${prefix}/`)),
  ])

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
].map((service) =>
  isRoot(service) ? { ...service, operations: [...service.operations, documentOf(service)] } : service,
)
