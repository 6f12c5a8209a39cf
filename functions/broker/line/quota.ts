import { table } from '../../../adapters/table.ts'

/**
 * Limits of a project that nobody has set otherwise, in the words of Nova, Cinder, Neutron and Glance; -1 is unlimited.
 * Counters of resources marked `counted` live in the table `quotas` and move with the rows that justify them.
 */
export const quotaDefaults = {
  compute: {
    instances: 100,
    cores: 400,
    ram: 1024 * 1024,
    key_pairs: 100,
    metadata_items: 128,
    server_groups: 10,
    server_group_members: 10,
    // Guests write them at their first start, out of user data.
    injected_files: 5,
    injected_file_content_bytes: 10 * 1024,
    injected_file_path_bytes: 255,
  },
  volume: {
    volumes: 100,
    snapshots: 100,
    gigabytes: 10_000,
    backups: 10,
    backup_gigabytes: 1000,
    groups: 10,
    per_volume_gigabytes: -1,
  },
  network: {
    network: 100,
    subnet: 100,
    port: 500,
    router: 50,
    floatingip: 50,
    security_group: 100,
    security_group_rule: 500,
    subnetpool: 50,
    address_scope: 50,
    rbac_policy: 10,
    address_group: 10,
  },
  /** Sizes in MiB. */
  image: {
    image_size_total: 1024 * 1024,
    image_stage_total: 1024 * 1024,
    image_count_total: 100,
    image_count_uploading: 20,
  },
  broker: {
    webhooks: 10,
  },
} as const

/** The counters in one flat space: no two services use the same word. */
export const defaultMaximum: Record<string, number> = table({
  ...quotaDefaults.compute,
  ...quotaDefaults.volume,
  ...quotaDefaults.network,
  ...quotaDefaults.image,
  ...quotaDefaults.broker,
})
