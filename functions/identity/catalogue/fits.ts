import type { EndpointFilters } from '../../../db/queries/identity/endpoint-filter.ts'

/** Whether an endpoint is of a group: in all that the group's filters say. */
export const fits = (
  filters: EndpointFilters,
  endpoint: { service_id: string; region_id: string | null; interface: string },
): boolean =>
  (filters.service_id === undefined || filters.service_id === endpoint.service_id) &&
  (filters.region_id === undefined || filters.region_id === endpoint.region_id) &&
  (filters.interface === undefined || filters.interface === endpoint.interface)
