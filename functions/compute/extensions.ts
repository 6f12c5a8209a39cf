import { notFound } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'

/** Alias, name and description of what is there, in Nova's words; what is not there is not listed. */
const EXTENSIONS: [alias: string, name: string, description: string][] = [
  ['OS-DCF', 'DiskConfig', 'Disk Management Extension.'],
  ['OS-EXT-AZ', 'ExtendedAvailabilityZone', 'Extended Availability Zone support.'],
  ['OS-EXT-IMG-SIZE', 'ImageSize', 'Adds image size to image listings.'],
  ['OS-EXT-IPS', 'ExtendedIps', 'Adds type parameter to the ip list.'],
  ['OS-EXT-IPS-MAC', 'ExtendedIpsMac', 'Adds mac address parameter to the ip list.'],
  ['OS-EXT-SRV-ATTR', 'ExtendedServerAttributes', 'Extended Server Attributes support.'],
  ['OS-EXT-STS', 'ExtendedStatus', 'Extended Status support.'],
  ['OS-FLV-DISABLED', 'FlavorDisabled', 'Support to show the disabled status of a flavor.'],
  ['OS-FLV-EXT-DATA', 'FlavorExtraData', 'Provide additional data for flavors.'],
  ['OS-SCH-HNT', 'SchedulerHints', 'Pass arbitrary key/value pairs to the scheduler.'],
  ['OS-SRV-USG', 'ServerUsage', 'Adds launched_at and terminated_at on Servers.'],
  ['os-access-ips', 'AccessIPs', 'Access IPs support.'],
  [
    'os-admin-actions',
    'AdminActions',
    'Enable admin-only server actions\n\n    Actions include: resetNetwork, injectNetworkInfo, os-resetState\n    ',
  ],
  ['os-aggregates', 'Aggregates', 'Admin-only aggregate administration.'],
  ['os-attach-interfaces', 'AttachInterfaces', 'Attach interface support.'],
  ['os-availability-zone', 'AvailabilityZone', 'Add availability_zone to the Create Server API and an API for it.'],
  ['os-block-device-mapping', 'BlockDeviceMapping', 'Block device mapping boot support.'],
  ['os-block-device-mapping-v2-boot', 'BlockDeviceMappingV2Boot', 'Allow boot with the new BDM data format.'],
  ['os-config-drive', 'ConfigDrive', 'Config Drive Extension.'],
  ['os-console-output', 'ConsoleOutput', 'Console log output support, with tailing ability.'],
  ['os-consoles', 'Consoles', 'Interactive Console support.'],
  ['os-create-backup', 'CreateBackup', 'Create a backup of a server.'],
  [
    'os-extended-quotas',
    'ExtendedQuotas',
    'Adds ability for admins to delete quota and optionally force the update Quota API.',
  ],
  ['os-extended-volumes', 'ExtendedVolumes', 'Extended Volumes support.'],
  ['os-flavor-access', 'FlavorAccess', 'Flavor access support.'],
  ['os-flavor-extra-specs', 'FlavorExtraSpecs', 'Flavors extra specs support.'],
  ['os-flavor-manage', 'FlavorManage', 'Flavor create/delete API support.'],
  ['os-flavor-rxtx', 'FlavorRxtx', 'Support to show the rxtx status of a flavor.'],
  ['os-flavor-swap', 'FlavorSwap', 'Support to show the swap status of a flavor.'],
  ['os-floating-ip-pools', 'FloatingIpPools', 'Floating IPs support.'],
  ['os-floating-ips', 'FloatingIps', 'Floating IPs support.'],
  ['os-hosts', 'Hosts', 'Admin-only host administration.'],
  ['os-hypervisor-status', 'HypervisorStatus', 'Show hypervisor status.'],
  ['os-hypervisors', 'Hypervisors', 'Admin-only hypervisor administration.'],
  ['os-instance-actions', 'InstanceActions', 'View a log of actions and events taken on an instance.'],
  ['os-instance_usage_audit_log', 'OSInstanceUsageAuditLog', 'Admin-only Task Log Monitoring.'],
  ['os-keypairs', 'Keypairs', 'Keypair Support.'],
  ['os-lock-server', 'LockServer', 'Enable lock/unlock server actions.'],
  ['os-migrations', 'Migrations', 'Provide data on migrations.'],
  ['os-multiple-create', 'MultipleCreate', 'Allow multiple create in the Create Server v2.1 API.'],
  ['os-networks', 'Networks', 'Admin-only Network Management Extension.'],
  ['os-pause-server', 'PauseServer', 'Enable pause/unpause server actions.'],
  ['os-quota-class-sets', 'QuotaClasses', 'Quota classes management support.'],
  ['os-quota-sets', 'Quotas', 'Quotas management support.'],
  ['os-security-groups', 'SecurityGroups', 'Security group support.'],
  ['os-server-external-events', 'ServerExternalEvents', 'Server External Event Triggers.'],
  ['os-server-groups', 'ServerGroups', 'Server group support.'],
  ['os-server-list-multi-status', 'ServerListMultiStatus', 'Allow to filter the servers by a set of status values.'],
  ['os-server-sort-keys', 'ServerSortKeys', 'Add sorting support in get Server v2 API.'],
  ['os-server-start-stop', 'ServerStartStop', 'Start/Stop instance compute API support.'],
  ['os-services', 'Services', 'Services support.'],
  ['os-simple-tenant-usage', 'SimpleTenantUsage', 'Simple tenant usage extension.'],
  ['os-suspend-server', 'SuspendServer', 'Enable suspend/resume server actions.'],
  ['os-tenant-networks', 'OSTenantNetworks', 'Tenant-based Network Management Extension.'],
  ['os-used-limits', 'UsedLimits', 'Provide data on limited resources that are being used.'],
  [
    'os-used-limits-for-admin',
    'UsedLimitsForAdmin',
    'Provide data to admin on limited resources used by other tenants.',
  ],
  ['os-user-data', 'UserData', 'Add user_data to the Create Server API.'],
  ['os-volumes', 'Volumes', 'Volumes support.'],
]

const view = ([alias, name, description]: (typeof EXTENSIONS)[number]) => ({
  alias,
  name,
  description,
  links: [],
  namespace: 'http://docs.openstack.org/compute/ext/fake_xml',
  updated: '2014-12-03T00:00:00Z',
})

/** https://docs.openstack.org/api-ref/compute/#extensions-extensions-deprecated */
export const extensionOperations: Operation[] = [
  operation({
    name: 'extension.list',
    method: 'GET',
    path: '/extensions',
    who: 'reader',
    summary: 'Parts of the API that Nova once called extensions, as far as they are here.',
    status: 200,
    handle: () => ({ body: { extensions: EXTENSIONS.map(view) } }),
  }),
  operation({
    name: 'extension.show',
    method: 'GET',
    path: '/extensions/:alias',
    who: 'reader',
    summary: 'One of them.',
    status: 200,
    handle: ({ params }) => {
      const found = EXTENSIONS.find(([alias]) => alias === params.alias)
      if (!found) throw notFound('The resource could not be found.')
      return { body: { extension: view(found) } }
    },
  }),
]
