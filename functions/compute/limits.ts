import { type Limit, limitsOf } from '../broker/line/quotas.ts'
import { forbidden } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { query } from './parameters.ts'

/** Name, counter, which side of it, and the last microversion that has it (nova/api/openstack/compute/views/limits.py). */
const ABSOLUTE: [name: string, counter: string, side: keyof Limit, until: number][] = [
  ['maxTotalInstances', 'instances', 'limit', 999],
  ['maxTotalCores', 'cores', 'limit', 999],
  ['maxTotalRAMSize', 'ram', 'limit', 999],
  ['maxTotalKeypairs', 'key_pairs', 'limit', 999],
  ['maxServerMeta', 'metadata_items', 'limit', 999],
  ['maxServerGroups', 'server_groups', 'limit', 999],
  ['maxServerGroupMembers', 'server_group_members', 'limit', 999],
  ['maxImageMeta', 'metadata_items', 'limit', 38],
  ['maxTotalFloatingIps', 'floatingip', 'limit', 35],
  ['maxSecurityGroups', 'security_group', 'limit', 35],
  ['maxSecurityGroupRules', 'security_group_rule', 'limit', 35],
  ['maxPersonality', 'injected_files', 'limit', 56],
  ['maxPersonalitySize', 'injected_file_content_bytes', 'limit', 56],
  ['totalInstancesUsed', 'instances', 'used', 999],
  ['totalCoresUsed', 'cores', 'used', 999],
  ['totalRAMUsed', 'ram', 'used', 999],
  ['totalServerGroupsUsed', 'server_groups', 'used', 999],
  ['totalFloatingIpsUsed', 'floatingip', 'used', 35],
  ['totalSecurityGroupsUsed', 'security_group', 'used', 35],
]

/** https://docs.openstack.org/api-ref/compute/#limits-limits */
export const limitOperations: Operation[] = [
  operation({
    name: 'limits.show',
    method: 'GET',
    path: '/limits',
    who: 'reader',
    summary: 'Limits of the project and what it uses; admins may ask for another by `tenant_id`.',
    status: 200,
    query: query(['tenant_id', 'reserved']),
    handle: async ({ context, query: asked, version }) => {
      const own = context.caller!.projectId
      const projectId = asked.tenant_id ?? own
      if (projectId !== own && !context.caller!.isAdmin)
        throw forbidden("Policy doesn't allow os_compute_api:limits:other_project to be performed.")
      const limits = await limitsOf(context, projectId)
      const shown = ABSOLUTE.filter(([, , , until]) => version <= until)
      const absolute = Object.fromEntries(shown.map(([name, counter, side]) => [name, limits(counter)[side]]))
      return { body: { limits: { rate: [], absolute } } }
    },
  }),
]
