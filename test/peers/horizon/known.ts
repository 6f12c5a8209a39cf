import type { Faults } from '../suites/outcomes.ts'

/** What is known not to work at Horizon, by why. */
export const FAULTS: Faults = {
  'Horizon’s own: a template of the page is not in its package.': [
    'demo: pages: /project/backups/:id/restore/?backup_name=horizon-backup&volume_id=:id',
    'admin: pages: /admin/rbac_policies/:id/update',
  ],
  'Horizon’s own: it asks for the details of a project with rights of an administrator, and lists the link for members too.':
    ['demo: pages: /identity/:id/detail/'],
  'Horizon’s own: it takes numbers from where a quota of Neutron was had (`location`), not from the quota.': [
    'admin: forms: change the quotas of a project',
    'admin: pages: /identity/:id/update_quotas/?step=update_quotas',
  ],
  'Horizon’s own: it links to agents of DHCP where Neutron does not list `dhcp_agent_scheduler`.': [
    'admin: pages: /admin/networks/:id/agents/add',
  ],
  'Horizon’s own: the page of a new credential is linked before there is one.': [
    'admin: pages: /identity/application_credentials/success/',
  ],
  'Horizon’s own: it links to the subnet of a way out, which Neutron shows to nobody but its owner.': [
    'demo: pages: /project/networks/subnets/:id/detail',
  ],
}
