import * as z from 'zod'
import { noRegion, noService, ownServices } from '../../../db/queries/identity/catalogue.ts'
import type { Resource, ResourceFilter } from '../../../db/queries/limits/limits.ts'
import type { Context } from '../../context.ts'
import { forbidden } from '../../http/fault.ts'
import type { Service } from '../../http/service.ts'
import { entries } from '../catalog.ts'
import { regionsOf } from '../catalogue/regions.ts'
import { missing } from '../refusals.ts'
import type { Rule } from '../rules.ts'

/* What limits are of: https://docs.openstack.org/api-ref/identity/v3/#unified-limits, keystone/limit/schema.py */

/** How many are made at once. */
export const MOST_AT_ONCE = 100

/** A limit; -1: none. */
export const limitSchema = z.int().min(-1).max(0x7fff_ffff)
export const resourceFields = {
  service_id: z.string().min(1).max(64),
  region_id: z.string().min(1).max(255).nullish(),
  resource_name: z.string().min(1).max(255),
}
export const descriptionField = z.string().max(16_384).nullish()

export interface AskedResource {
  service_id: string
  region_id?: string | null | undefined
  resource_name: string
}
export const resourceOf = ({ service_id, region_id, resource_name }: AskedResource): Resource => ({
  ...{ serviceId: service_id, regionId: region_id ?? '', resourceName: resource_name },
})
/** How a resource is shown. */
export const resourceView = ({ serviceId, regionId, resourceName }: Resource) => ({
  ...{ service_id: serviceId, region_id: regionId || null, resource_name: resourceName },
})
/** What a list is asked for. */
export const resourceFilter = (query: Record<string, string | undefined>): ResourceFilter => ({
  ...{ serviceId: query.service_id, regionId: query.region_id, resourceName: query.resource_name },
})

/**
 * What has to hold of resources while they are written. 400 for a service or a region that there is not; 403 for a service of
 * this broker, whose quotas are its own.
 */
export const resourcesHold = async (
  context: Context,
  services: Service[],
  asked: Resource[],
  target: string,
): Promise<Rule[]> => {
  const [own, regions] = [await ownServices(context.db), await regionsOf(context)]
  for (const { serviceId, regionId } of asked) {
    if (entries(services).some(({ id }) => id === serviceId))
      throw forbidden(
        `Service ${serviceId} is one of this broker: what a project has of it is said by its quotas (os-quota-sets, quotas).`,
      )
    if (!own.some(({ id }) => id === serviceId)) throw missing('service_id', target)
    if (regionId && !regions.some(({ id }) => id === regionId)) throw missing('region_id', target)
  }
  const made = new Set(asked.map(({ regionId }) => regionId).filter((id) => id && id !== context.settings.region))
  return [
    ...[...new Set(asked.map(({ serviceId }) => serviceId))].map((id) => ({
      ...{ violated: noService(id), refusal: missing('service_id', target) },
    })),
    ...[...made].map((id) => ({ violated: noRegion(id), refusal: missing('region_id', target) })),
  ]
}
