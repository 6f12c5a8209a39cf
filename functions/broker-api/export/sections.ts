import { saidPolicy } from '../../../db/queries/clouds/policies.ts'
import {
  exportedCopies,
  exportedLinks,
  exportedMappings,
  exportedPlans,
  exportedPolicies,
  exportedPools,
  exportedScopes,
  exportedSegments,
  exportedTemplates,
  type Piece,
} from '../../../db/queries/line/export.ts'
import type { Context } from '../../context.ts'
import { planView } from '../network-plans.ts'
import { policyView } from '../policy-shape.ts'

/*
 * What operators and projects said, besides the objects that clouds have: each in the words in which it is said to the
 * route that takes it. Credentials of clouds, passwords and user data are in none of it.
 */

interface Section {
  /** A piece of it, with the number of each row. */
  rows(db: Context['db'], of: Piece): Promise<{ row: number; said: object }[]>
  /** What stands beside the rows, on every piece. */
  beside?(db: Context['db']): Promise<object>
}

const section =
  <R extends { row: number }>(read: (db: Context['db'], of: Piece) => Promise<R[]>, view: (row: R) => object) =>
  async (db: Context['db'], of: Piece) =>
    (await read(db, of)).map((each) => ({ row: each.row, said: view(each) }))

const SECTIONS = new Map<string, Section>([
  [
    'address_scopes',
    {
      rows: section(exportedScopes, ({ id, projectId, name, ipVersion, shared }) => ({
        id,
        project_id: projectId,
        name,
        ip_version: ipVersion,
        shared,
      })),
    },
  ],
  [
    'subnet_pools',
    {
      rows: section(exportedPools, (pool) => ({
        id: pool.id,
        project_id: pool.projectId,
        name: pool.name,
        description: pool.description,
        tags: pool.tags,
        prefixes: pool.prefixes,
        min_prefixlen: pool.minPrefixlen,
        max_prefixlen: pool.maxPrefixlen,
        default_prefixlen: pool.defaultPrefixlen,
        default_quota: pool.defaultQuota,
        is_default: pool.isDefault,
        shared: pool.shared,
        address_scope_id: pool.addressScopeId,
      })),
    },
  ],
  [
    'segments',
    {
      rows: section(exportedSegments, (segment) => ({
        id: segment.id,
        project_id: segment.projectId,
        network_id: segment.networkId,
        name: segment.name,
        description: segment.description,
        network_type: segment.networkType,
        physical_network: segment.physicalNetwork,
        segmentation_id: segment.segmentationId,
        /** The network of the cloud that it is; null: its cloud has made none yet. */
        native_network: segment.nativeNetwork,
        subnets: segment.ranges,
      })),
    },
  ],
  ['links', { rows: section(exportedLinks, ({ one, other, reach }) => ({ clouds: [one, other].sort(), reach })) }],
  ['network_plans', { rows: section(exportedPlans, (plan) => ({ project_id: plan.projectId, plan: planView(plan) })) }],
  [
    'mappings',
    {
      rows: section(exportedMappings, ({ projectId, cloud, mapping, filters }) => ({
        project_id: projectId,
        cloud,
        mapping,
        /** As it holds there: by the mapping, else by the options of the cloud; null: nobody said. */
        filters,
      })),
    },
  ],
  [
    'project_templates',
    {
      rows: section(exportedTemplates, ({ domainId, clouds, quotas, policy, mostProjects }) => ({
        domain_id: domainId,
        clouds,
        quotas,
        policy: policyView(policy),
        most_projects: mostProjects,
      })),
    },
  ],
  [
    'policies',
    {
      rows: section(exportedPolicies, ({ projectId, policy }) => ({
        project_id: projectId,
        policy: policyView(policy!),
      })),
      beside: async (db) => {
        const said = await saidPolicy(db)
        return { of_all: said && policyView(said) }
      },
    },
  ],
  [
    'image_copies',
    { rows: section(exportedCopies, ({ imageId, name, copies }) => ({ image_id: imageId, name, copies })) },
  ],
])

/** What can be exported besides the objects of clouds. */
export const SECTION_NAMES = [...SECTIONS.keys()]

/** A piece of a section under its name, and `next`, which leads on; null: there is no such section. */
export const exportSection = async (db: Context['db'], name: string, of: Piece): Promise<object | null> => {
  const section = SECTIONS.get(name)
  if (!section) return null
  const rows = await section.rows(db, of)
  return {
    [name]: rows.map(({ said }) => said),
    ...(await section.beside?.(db)),
    next: rows.length === of.limit ? String(rows.at(-1)!.row) : null,
  }
}
