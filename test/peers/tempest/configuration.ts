import { join } from 'node:path'
import { slowness } from '../support/patiently.ts'
import { NETWORK } from './accounts.ts'
import type { Guests } from './clouds.ts'

/** What of a deployment Tempest has to be told. */
export interface Deployment {
  url: string
  /** A folder of its own, with `accounts.yaml` in it. */
  folder: string
  image: string
  otherImage: string
  flavor: string
  otherFlavor: string
  /** A network with `router:external`, from which gateways and, by its name, public addresses are; null: the cloud has none. */
  publicNetwork: { id: string; name: string } | null
  /** Extensions of the Networking API, as the broker lists them. */
  extensions: string[]
  /** Images come from elsewhere too. */
  imports: boolean
  /** Names of what the cloud can do. */
  capabilities: Set<string>
  /** Networks have subnets of IPv6, and what is made for that is asked for. */
  ipv6: boolean
  /** Null: nobody logs in to servers. */
  guests: Guests | null
  /** The password of `admin`, with which Tempest makes projects and people of its own as it goes; null: they were made for it. */
  admin: string | null
}

/** Seconds that something may take, and more where the machine is busy as Tempest begins. */
const slowed = (seconds: number): number => Math.ceil(seconds * slowness())

type Section = Record<string, string | number | boolean>

/**
 * `tempest.conf`. Whatever the broker itself tells (extensions, capabilities) is taken from there, so that a test is
 * skipped only for what is not claimed. https://docs.openstack.org/tempest/latest/sampleconf.html
 */
export const configuration = (of: Deployment): string => {
  const sections: Record<string, Section> = {
    DEFAULT: { log_dir: of.folder, log_file: 'tempest.log', debug: true, use_stderr: false },
    oslo_concurrency: { lock_path: join(of.folder, 'locks') },
    auth: { ...people(of), default_credentials_domain_name: 'Default' },
    identity: { auth_version: 'v3', uri_v3: `${of.url}/identity/v3`, region: 'RegionOne', v3_endpoint_type: 'public' },
    'identity-feature-enabled': { api_v2: false, api_v3: true, api_extensions: '', trust: true, access_rules: true },
    // Who has what scope is asked everywhere; of Keystone's personas there are tests.
    enforce_scope: { keystone: true },
    service_available: { cinder: true, neutron: true, glance: true, nova: true, swift: false, horizon: false },
    compute: {
      image_ref: of.image,
      image_ref_alt: of.otherImage,
      flavor_ref: of.flavor,
      flavor_ref_alt: of.otherFlavor,
      build_interval: 1,
      build_timeout: slowed(of.guests ? 300 : 120),
      max_microversion: '2.96',
    },
    'compute-feature-enabled': {
      resize: of.capabilities.has('server.resize'),
      snapshot: of.capabilities.has('image'),
      pause: of.capabilities.has('server.pause'),
      suspend: of.capabilities.has('server.suspend'),
      shelve: of.capabilities.has('server.shelve'),
      rescue: of.capabilities.has('server.rescue'),
      console_output: of.capabilities.has('server.console_log'),
      config_drive: of.capabilities.has('server.config_drive'),
      vnc_console: false,
      enable_instance_password: true,
      disk_config: true,
      metadata_service: false,
    },
    image: { build_interval: 1, build_timeout: slowed(180), container_formats: 'bare' },
    // Data has to be of its image's format, as with Glance since 2025.1.
    'image-feature-enabled': { api_v2: true, image_format_enforcement: true, import_image: of.imports },
    network: {
      ...(of.publicNetwork
        ? { public_network_id: of.publicNetwork.id, floating_network_name: of.publicNetwork.name }
        : {}),
      project_network_cidr: '10.100.0.0/16',
      project_network_mask_bits: 28,
      project_network_v6_cidr: '2001:db8::/48',
      project_network_v6_mask_bits: 64,
      project_networks_reachable: of.guests !== null,
      build_interval: 1,
      build_timeout: slowed(180),
    },
    'network-feature-enabled': {
      ipv6: of.ipv6,
      ipv6_subnet_attributes: of.ipv6,
      floating_ips: of.publicNetwork !== null,
      api_extensions: of.extensions.join(','),
    },
    volume: {
      catalog_type: 'block-storage',
      volume_size: 1,
      disk_format: 'raw',
      // As the pools of the embedded cloud say.
      vendor_name: 'sandbox',
      storage_protocol: 'sandbox',
      build_interval: 1,
      build_timeout: slowed(180),
      max_microversion: '3.70',
    },
    'volume-feature-enabled': {
      snapshot: true,
      clone: of.capabilities.has('volume.clone'),
      backup: of.capabilities.has('volume.backup'),
      manage_volume: of.admin !== null,
      manage_snapshot: of.admin !== null,
      extend_attached_volume: of.admin !== null,
    },
    // EC2 takes no ECDSA keys.
    validation: { run_validation: of.guests !== null, ssh_key_type: 'rsa', ...(of.guests ? loggingIn(of.guests) : {}) },
    scenario: of.guests ? { img_file: of.guests.file, target_dir: of.guests.folder } : {},
  }
  return Object.entries(sections)
    .map(([name, values]) => `[${name}]\n${lines(values)}`)
    .join('\n')
}

/** By the address that a server has on its own network: there are no floating addresses. Guests are emulated, so they take long. */
const loggingIn = ({ user }: Guests): Section => ({
  connect_method: 'fixed',
  network_for_ssh: NETWORK,
  image_ssh_user: user,
  ssh_timeout: slowed(300),
  connect_timeout: slowed(60),
})

const people = ({ folder, admin }: Deployment): Section =>
  admin === null
    ? { use_dynamic_credentials: false, test_accounts_file: join(folder, 'accounts.yaml') }
    : {
        ...{ use_dynamic_credentials: true, tempest_roles: 'member', create_isolated_networks: true },
        ...{
          admin_username: 'admin',
          admin_password: admin,
          admin_project_name: 'admin',
          admin_domain_name: 'Default',
        },
      }

const lines = (values: Section): string =>
  Object.entries(values)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join('')
