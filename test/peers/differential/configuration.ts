import { quotaDefaults } from '../../../functions/broker/line/quota.ts'

/** Where a service of the ground is reached, and what it is in the catalogue. */
export interface Service {
  name: string
  type: string
  /** What its WSGI application is called. */
  application: string
  /** Of its endpoint, after the port. */
  path: string
  /** What it listens on, from the first port of the ground. */
  port: number
}

export const SERVICES: readonly Service[] = [
  { name: 'keystone', type: 'identity', application: 'keystone.wsgi.api:application', path: '/v3', port: 0 },
  { name: 'placement', type: 'placement', application: 'placement.wsgi.api:application', path: '', port: 1 },
  { name: 'glance', type: 'image', application: 'glance.wsgi.api:application', path: '', port: 2 },
  { name: 'neutron', type: 'network', application: 'neutron.wsgi.api:application', path: '', port: 3 },
  { name: 'cinder', type: 'block-storage', application: 'cinder.wsgi.api:application', path: '/v3', port: 4 },
  { name: 'nova', type: 'compute', application: 'nova.wsgi.osapi_compute:application', path: '/v2.1', port: 5 },
]
/** Of the database and of the queue, from the first port of the ground. */
export const OTHERS = { database: 10, queue: 11, queueNodes: 12, epmd: 13 }

export const urlOf = (first: number, name: string): string =>
  `http://127.0.0.1:${first + SERVICES.find((service) => service.name === name)!.port}`

/** Everybody's, on the loopback of a ground that is thrown away. */
export const SECRET = 'differential'

type Section = Record<string, string | number | boolean>

const print = (sections: Record<string, Section>): string =>
  Object.entries(sections)
    .map(
      ([name, section]) =>
        `[${name}]\n${Object.entries(section)
          .map(([key, value]) => `${key} = ${value}\n`)
          .join('')}`,
    )
    .join('\n')

const quotas = (before: string, limits: Record<string, number>): Section =>
  Object.fromEntries(Object.entries(limits).map(([name, most]) => [before + name, most]))

const { per_volume_gigabytes, ...volumes } = quotaDefaults.volume

/** The configuration of each service, as text of its file. Nothing is set that DevStack would not set, but what names a place, and quotas, which are ours. */
export const configurations = (first: number, folder: string): Record<string, string> => {
  const database = (name: string): Section => ({
    connection: `mysql+pymysql://openstack:${SECRET}@127.0.0.1:${first + OTHERS.database}/${name}?charset=utf8`,
    max_pool_size: 5,
  })
  const queue = `rabbit://guest:guest@127.0.0.1:${first + OTHERS.queue}/`
  const person = (username: string): Section => ({
    auth_type: 'password',
    auth_url: `${urlOf(first, 'keystone')}/v3`,
    username,
    password: SECRET,
    project_name: 'service',
    user_domain_id: 'default',
    project_domain_id: 'default',
    region_name: 'RegionOne',
  })
  const authtoken = (name: string): Section => ({
    ...person(name),
    www_authenticate_uri: `${urlOf(first, 'keystone')}/v3`,
    service_token_roles_required: true,
  })
  const state = (name: string): Section => ({ state_path: `${folder}/${name}`, transport_url: queue })
  const lock = (name: string): Section => ({ lock_path: `${folder}/${name}` })
  return {
    keystone: print({
      DEFAULT: {},
      database: database('keystone'),
      fernet_tokens: { key_repository: `${folder}/keystone/fernet-keys` },
      credential: { key_repository: `${folder}/keystone/credential-keys` },
      receipt: { key_repository: `${folder}/keystone/fernet-keys` },
    }),
    placement: print({
      placement_database: database('placement'),
      keystone_authtoken: authtoken('placement'),
    }),
    glance: print({
      DEFAULT: { enabled_backends: 'file:file', node_staging_uri: `file://${folder}/glance/staging` },
      database: database('glance'),
      keystone_authtoken: authtoken('glance'),
      paste_deploy: { flavor: 'keystone' },
      glance_store: { default_backend: 'file' },
      file: { filesystem_store_datadir: `${folder}/glance/images` },
      os_glance_staging_store: { filesystem_store_datadir: `${folder}/glance/staging` },
      os_glance_tasks_store: { filesystem_store_datadir: `${folder}/glance/tasks` },
    }),
    neutron: print({
      DEFAULT: {
        ...state('neutron'),
        // What is left of it by a tunnel is what networks have elsewhere.
        global_physnet_mtu: 1550,
        core_plugin: 'ml2',
        service_plugins: 'router,qos,segments,trunk,port_forwarding,auto_allocate,network_ip_availability,metering,tag',
        rpc_workers: 0,
        api_workers: 1,
        notify_nova_on_port_status_changes: false,
        notify_nova_on_port_data_changes: false,
      },
      database: database('neutron'),
      keystone_authtoken: authtoken('neutron'),
      oslo_concurrency: lock('neutron'),
      quotas: {
        ...quotas('quota_', quotaDefaults.network),
      },
      ml2: {
        path_mtu: 1550,
        type_drivers: 'local,flat,vlan,vxlan',
        tenant_network_types: 'vxlan',
        mechanism_drivers: 'everyhost,openvswitch',
        extension_drivers: 'port_security,qos,dns_domain_ports',
      },
      ml2_type_flat: { flat_networks: 'public' },
      ml2_type_vlan: { network_vlan_ranges: 'public' },
      ml2_type_vxlan: { vni_ranges: '1:1000' },
      placement: person('placement'),
    }),
    cinder: print({
      DEFAULT: {
        ...state('cinder'),
        ...quotas('quota_', volumes),
        per_volume_size_limit: per_volume_gigabytes,
        enabled_backends: 'fake',
        default_volume_type: 'default',
        glance_api_servers: urlOf(first, 'glance'),
        api_paste_config: `${folder}/etc/cinder/api-paste.ini`,
        resource_query_filters_file: `${folder}/etc/cinder/resource_filters.json`,
        backup_driver: 'cinder.backup.drivers.posix.PosixBackupDriver',
        backup_posix_path: `${folder}/cinder/backups`,
      },
      fake: { volume_driver: 'everyvolume.Volumes', volume_backend_name: 'fake' },
      database: database('cinder'),
      keystone_authtoken: authtoken('cinder'),
      oslo_concurrency: lock('cinder'),
      service_user: { ...person('cinder'), send_service_user_token: true },
      nova: person('nova'),
    }),
    nova: print({
      DEFAULT: {
        ...state('nova'),
        compute_driver: 'fake.MediumFakeDriver',
        enabled_apis: 'osapi_compute',
        host: 'compute1',
      },
      api: { auth_strategy: 'keystone' },
      quota: quotas('', quotaDefaults.compute),
      api_database: database('nova_api'),
      database: database('nova'),
      keystone_authtoken: authtoken('nova'),
      oslo_concurrency: lock('nova'),
      service_user: { ...person('nova'), send_service_user_token: true },
      placement: person('placement'),
      neutron: person('neutron'),
      glance: { api_servers: urlOf(first, 'glance') },
      cinder: { ...person('cinder'), catalog_info: 'block-storage::publicURL' },
      scheduler: { workers: 1, discover_hosts_in_cells_interval: 2 },
      conductor: { workers: 1 },
    }),
  }
}
