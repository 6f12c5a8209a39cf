CREATE TABLE `clouds` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`type` text NOT NULL,
	`endpoint` text,
	`region` text,
	`options` text DEFAULT '{}' NOT NULL,
	`credentials` text,
	`credentials_version` integer DEFAULT 0 NOT NULL,
	`enabled` integer DEFAULT true NOT NULL,
	`position` integer DEFAULT 0 NOT NULL,
	`failures` integer DEFAULT 0 NOT NULL,
	`closed_until` integer DEFAULT 0 NOT NULL,
	`seen_at` integer,
	`inventory_at` integer,
	`inventory_due_at` integer DEFAULT 0 NOT NULL,
	`last_error` text,
	`created_at` integer NOT NULL
);

CREATE UNIQUE INDEX `clouds_name_unique` ON `clouds` (`name`);
CREATE TABLE `flavor_access` (
	`flavor_id` text NOT NULL,
	`project_id` text NOT NULL,
	PRIMARY KEY(`flavor_id`, `project_id`)
);

CREATE TABLE `flavors` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`vcpus` integer NOT NULL,
	`ram_mib` integer NOT NULL,
	`disk_gib` integer NOT NULL,
	`ephemeral_gib` integer DEFAULT 0 NOT NULL,
	`swap_mib` integer DEFAULT 0 NOT NULL,
	`is_public` integer DEFAULT true NOT NULL,
	`description` text,
	`rxtx_factor` real DEFAULT 1 NOT NULL,
	`extra_specs` text DEFAULT '{}' NOT NULL,
	`native` integer DEFAULT false NOT NULL,
	`retired` integer DEFAULT false NOT NULL,
	`created_at` integer NOT NULL
);

CREATE UNIQUE INDEX `flavors_name_unique` ON `flavors` (`name`);
CREATE INDEX `flavors_by_size` ON `flavors` (`ram_mib`,`id`);
CREATE TABLE `mappings` (
	`project_id` text NOT NULL,
	`cloud_id` text NOT NULL,
	`mapping` text DEFAULT '{}' NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`project_id`, `cloud_id`)
);

CREATE INDEX `mappings_by_cloud` ON `mappings` (`cloud_id`);
CREATE TABLE `offers` (
	`cloud_id` text NOT NULL,
	`name` text NOT NULL,
	`vcpus` integer NOT NULL,
	`ram_mib` integer NOT NULL,
	`disk_gib` integer NOT NULL,
	`arch` text NOT NULL,
	`gpus` integer DEFAULT 0 NOT NULL,
	`zones` text DEFAULT '[]' NOT NULL,
	`price` real,
	`currency` text,
	PRIMARY KEY(`cloud_id`, `name`)
);

CREATE TABLE `zones` (
	`cloud_id` text NOT NULL,
	`name` text NOT NULL,
	`available` integer DEFAULT true NOT NULL,
	`load` real,
	`free_vcpus` integer,
	`free_ram_mib` integer,
	`position` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`cloud_id`, `name`)
);

CREATE TABLE `attachments` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`server_id` text NOT NULL,
	`volume_id` text NOT NULL,
	`device` text,
	`tag` text,
	`delete_on_termination` integer DEFAULT false NOT NULL,
	`status` text DEFAULT 'attaching' NOT NULL,
	`created_at` integer NOT NULL,
	`attached_at` integer
);

CREATE UNIQUE INDEX `attachments_by_volume` ON `attachments` (`volume_id`);
CREATE INDEX `attachments_by_server` ON `attachments` (`server_id`);
CREATE TABLE `interfaces` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`server_id` text NOT NULL,
	`port_id` text NOT NULL,
	`created_at` integer NOT NULL
);

CREATE UNIQUE INDEX `interfaces_port_id_unique` ON `interfaces` (`port_id`);
CREATE INDEX `interfaces_by_server` ON `interfaces` (`server_id`);
CREATE TABLE `keypairs` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`name` text NOT NULL,
	`type` text DEFAULT 'ssh' NOT NULL,
	`public_key` text NOT NULL,
	`fingerprint` text NOT NULL,
	`created_at` integer NOT NULL
);

CREATE UNIQUE INDEX `keypairs_by_name` ON `keypairs` (`user_id`,`name`);
CREATE TABLE `server_actions` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`server_id` text NOT NULL,
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`request_id` text NOT NULL,
	`action` text NOT NULL,
	`args` text DEFAULT '{}' NOT NULL,
	`state` text DEFAULT 'pending' NOT NULL,
	`message` text,
	`started_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`finished_at` integer
);

CREATE INDEX `server_actions_by_server` ON `server_actions` (`server_id`,`id`);
CREATE TABLE `server_ports` (
	`server_id` text NOT NULL,
	`port_id` text NOT NULL,
	`position` integer NOT NULL,
	`owned` integer DEFAULT false NOT NULL,
	PRIMARY KEY(`server_id`, `port_id`)
);

CREATE UNIQUE INDEX `server_ports_port_id_unique` ON `server_ports` (`port_id`);
CREATE TABLE `servers` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`hostname` text NOT NULL,
	`metadata` text DEFAULT '{}' NOT NULL,
	`tags` text DEFAULT '[]' NOT NULL,
	`flavor` text NOT NULL,
	`old_flavor` text,
	`image_id` text,
	`key_name` text,
	`user_data` text,
	`config_drive` integer DEFAULT false NOT NULL,
	`want_power` text DEFAULT 'running' NOT NULL,
	`pinned_zone` text,
	`locked` integer DEFAULT false NOT NULL,
	`locked_reason` text,
	`access_ip_v4` text DEFAULT '' NOT NULL,
	`access_ip_v6` text DEFAULT '' NOT NULL,
	`disk_config` text DEFAULT 'MANUAL' NOT NULL,
	`status` text DEFAULT 'BUILD' NOT NULL,
	`vm_state` text DEFAULT 'building' NOT NULL,
	`task_state` text,
	`power_state` integer DEFAULT 0 NOT NULL,
	`progress` integer DEFAULT 0 NOT NULL,
	`fault` text,
	`cloud_id` text,
	`zone` text,
	`places` text,
	`host_id` text DEFAULT '' NOT NULL,
	`launched_at` integer,
	`terminated_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer
);

CREATE INDEX `servers_by_project` ON `servers` (`project_id`,`deleted_at`,`created_at`,`id`);
CREATE INDEX `servers_by_cloud` ON `servers` (`cloud_id`,`deleted_at`);
CREATE TABLE `domains` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`enabled` integer DEFAULT true NOT NULL
);

CREATE UNIQUE INDEX `domains_name_unique` ON `domains` (`name`);
CREATE TABLE `projects` (
	`id` text PRIMARY KEY NOT NULL,
	`domain_id` text NOT NULL,
	`name` text NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`enabled` integer DEFAULT true NOT NULL,
	`tags` text DEFAULT '[]' NOT NULL,
	`extra` text DEFAULT '{}' NOT NULL,
	`epoch` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL
);

CREATE UNIQUE INDEX `projects_by_name` ON `projects` (`domain_id`,`name`);
CREATE TABLE `revoked_tokens` (
	`audit_id` text PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL
);

CREATE TABLE `role_assignments` (
	`user_id` text NOT NULL,
	`project_id` text NOT NULL,
	`role_id` text NOT NULL,
	PRIMARY KEY(`user_id`, `project_id`, `role_id`)
);

CREATE INDEX `role_assignments_by_project` ON `role_assignments` (`project_id`);
CREATE TABLE `roles` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`description` text DEFAULT '' NOT NULL
);

CREATE UNIQUE INDEX `roles_name_unique` ON `roles` (`name`);
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`domain_id` text NOT NULL,
	`name` text NOT NULL,
	`email` text,
	`description` text DEFAULT '' NOT NULL,
	`password_hash` text,
	`password_changed_at` integer,
	`default_project_id` text,
	`extra` text DEFAULT '{}' NOT NULL,
	`enabled` integer DEFAULT true NOT NULL,
	`epoch` integer DEFAULT 0 NOT NULL,
	`failed_logins` integer DEFAULT 0 NOT NULL,
	`locked_until` integer,
	`created_at` integer NOT NULL
);

CREATE UNIQUE INDEX `users_by_name` ON `users` (`domain_id`,`name`);
CREATE TABLE `bindings` (
	`kind` text NOT NULL,
	`resource_id` text NOT NULL,
	`cloud_id` text NOT NULL,
	`scope` text DEFAULT '' NOT NULL,
	`project_id` text NOT NULL,
	`zone` text,
	`want` text DEFAULT 'present' NOT NULL,
	`phase` text DEFAULT 'intent' NOT NULL,
	`native_id` text,
	`ownership` text DEFAULT 'ours' NOT NULL,
	`token` text NOT NULL,
	`fence` integer DEFAULT 0 NOT NULL,
	`epoch` integer DEFAULT 0 NOT NULL,
	`frozen` text,
	`task` text,
	`revision` integer DEFAULT 0 NOT NULL,
	`applied` integer DEFAULT -1 NOT NULL,
	`called_at` integer,
	`bound_at` integer,
	`seen_at` integer,
	`observed` text,
	`missing` integer DEFAULT 0 NOT NULL,
	`due_at` integer,
	`lease_until` integer DEFAULT 0 NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`error` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`kind`, `resource_id`, `cloud_id`, `scope`)
);

CREATE INDEX `bindings_due` ON `bindings` (`due_at`);
CREATE INDEX `bindings_by_native` ON `bindings` (`cloud_id`,`kind`,`native_id`);
CREATE INDEX `bindings_by_resource` ON `bindings` (`resource_id`);
CREATE INDEX `bindings_handed_over` ON `bindings` (`ownership`) WHERE ownership <> 'ours';
CREATE TABLE `drift` (
	`kind` text NOT NULL,
	`resource_id` text NOT NULL,
	`what` text NOT NULL,
	`cloud_id` text NOT NULL,
	`project_id` text NOT NULL,
	`intent` text NOT NULL,
	`observed` text NOT NULL,
	`first_seen_at` integer NOT NULL,
	PRIMARY KEY(`kind`, `resource_id`, `what`)
);

CREATE TABLE `guards` (
	`broken` text NOT NULL
);

CREATE TABLE `journal` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`request_id` text NOT NULL,
	`user_id` text,
	`project_id` text,
	`action` text NOT NULL,
	`kind` text NOT NULL,
	`resource_id` text NOT NULL,
	`detail` text DEFAULT '{}' NOT NULL
);

CREATE INDEX `journal_by_resource` ON `journal` (`resource_id`);
CREATE INDEX `journal_by_time` ON `journal` (`at`);
CREATE TABLE `lapses` (
	`since` integer PRIMARY KEY NOT NULL,
	`until` integer NOT NULL
);

CREATE TABLE `leases` (
	`name` text PRIMARY KEY NOT NULL,
	`until` integer NOT NULL,
	`cursor` text
);

CREATE TABLE `orphans` (
	`id` text PRIMARY KEY NOT NULL,
	`cloud_id` text NOT NULL,
	`kind` text NOT NULL,
	`native_id` text NOT NULL,
	`name` text,
	`zone` text,
	`size` text,
	`project_id` text NOT NULL,
	`resource_id` text NOT NULL,
	`token` text NOT NULL,
	`epoch` integer NOT NULL,
	`first_seen_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`sweeps` integer DEFAULT 1 NOT NULL
);

CREATE INDEX `orphans_by_cloud` ON `orphans` (`cloud_id`,`kind`);
CREATE TABLE `quotas` (
	`project_id` text NOT NULL,
	`resource` text NOT NULL,
	`maximum` integer NOT NULL,
	`used` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`project_id`, `resource`)
);

CREATE TABLE `repeatables` (
	`key` text PRIMARY KEY NOT NULL,
	`body_hash` text NOT NULL,
	`seed` text NOT NULL,
	`answer` text,
	`created_at` integer NOT NULL
);

CREATE INDEX `repeatables_by_time` ON `repeatables` (`created_at`);
CREATE TABLE `settings` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);

CREATE TABLE `sweeps` (
	`cloud_id` text NOT NULL,
	`account` text NOT NULL,
	`kind` text NOT NULL,
	`due_at` integer NOT NULL,
	`lease_until` integer DEFAULT 0 NOT NULL,
	`started_at` integer,
	`duration_ms` integer,
	`listing` text,
	`report` text,
	PRIMARY KEY(`cloud_id`, `account`, `kind`)
);

CREATE INDEX `sweeps_due` ON `sweeps` (`due_at`);
CREATE TABLE `floating_ips` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text DEFAULT '' NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`tags` text DEFAULT '[]' NOT NULL,
	`revision` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`floating_network_id` text NOT NULL,
	`floating_ip_address` text,
	`fixed_ip_address` text,
	`port_id` text,
	`router_id` text,
	`dns_name` text DEFAULT '' NOT NULL,
	`dns_domain` text DEFAULT '' NOT NULL,
	`status` text DEFAULT 'DOWN' NOT NULL
);

CREATE UNIQUE INDEX `floating_ips_floating_ip_address_unique` ON `floating_ips` (`floating_ip_address`);
CREATE INDEX `floating_ips_by_project` ON `floating_ips` (`project_id`);
CREATE INDEX `floating_ips_by_port` ON `floating_ips` (`port_id`);
CREATE TABLE `ip_allocations` (
	`subnet_id` text NOT NULL,
	`address` text NOT NULL,
	`port_id` text NOT NULL,
	PRIMARY KEY(`subnet_id`, `address`)
);

CREATE INDEX `ip_allocations_by_port` ON `ip_allocations` (`port_id`);
CREATE TABLE `lingering_addresses` (
	`subnet_id` text NOT NULL,
	`address` text NOT NULL,
	`port_id` text NOT NULL,
	PRIMARY KEY(`subnet_id`, `address`, `port_id`)
);

CREATE INDEX `lingering_addresses_by_port` ON `lingering_addresses` (`port_id`);
CREATE TABLE `networks` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text DEFAULT '' NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`tags` text DEFAULT '[]' NOT NULL,
	`revision` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`admin_state_up` integer DEFAULT true NOT NULL,
	`shared` integer DEFAULT false NOT NULL,
	`external` integer DEFAULT false NOT NULL,
	`is_default` integer DEFAULT false NOT NULL,
	`mtu` integer DEFAULT 1500 NOT NULL,
	`port_security` integer DEFAULT true NOT NULL,
	`cloud_id` text,
	`status` text DEFAULT 'ACTIVE' NOT NULL
);

CREATE INDEX `networks_by_project` ON `networks` (`project_id`);
CREATE TABLE `port_security_groups` (
	`port_id` text NOT NULL,
	`security_group_id` text NOT NULL,
	PRIMARY KEY(`port_id`, `security_group_id`)
);

CREATE INDEX `port_security_groups_by_group` ON `port_security_groups` (`security_group_id`);
CREATE TABLE `ports` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text DEFAULT '' NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`tags` text DEFAULT '[]' NOT NULL,
	`revision` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`network_id` text NOT NULL,
	`mac_address` text NOT NULL,
	`fixed_ips` text DEFAULT '[]' NOT NULL,
	`admin_state_up` integer DEFAULT true NOT NULL,
	`device_id` text DEFAULT '' NOT NULL,
	`device_owner` text DEFAULT '' NOT NULL,
	`dns_name` text DEFAULT '' NOT NULL,
	`port_security` integer DEFAULT true NOT NULL,
	`status` text DEFAULT 'DOWN' NOT NULL
);

CREATE INDEX `ports_by_network` ON `ports` (`network_id`);
CREATE INDEX `ports_by_project` ON `ports` (`project_id`);
CREATE INDEX `ports_by_device` ON `ports` (`device_id`);
CREATE UNIQUE INDEX `ports_by_mac` ON `ports` (`network_id`,`mac_address`);
CREATE TABLE `routers` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text DEFAULT '' NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`tags` text DEFAULT '[]' NOT NULL,
	`revision` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`admin_state_up` integer DEFAULT true NOT NULL,
	`external_network_id` text,
	`enable_snat` integer DEFAULT true NOT NULL,
	`routes` text DEFAULT '[]' NOT NULL,
	`status` text DEFAULT 'ACTIVE' NOT NULL
);

CREATE INDEX `routers_by_project` ON `routers` (`project_id`);
CREATE TABLE `security_group_rules` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`security_group_id` text NOT NULL,
	`direction` text NOT NULL,
	`ethertype` text NOT NULL,
	`protocol` text,
	`port_range_min` integer,
	`port_range_max` integer,
	`remote_ip_prefix` text,
	`remote_group_id` text,
	`description` text DEFAULT '' NOT NULL,
	`signature` text NOT NULL,
	`revision` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);

CREATE UNIQUE INDEX `security_group_rules_once` ON `security_group_rules` (`security_group_id`,`signature`);
CREATE TABLE `security_groups` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text DEFAULT '' NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`tags` text DEFAULT '[]' NOT NULL,
	`revision` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`stateful` integer DEFAULT true NOT NULL,
	`is_default` text
);

CREATE INDEX `security_groups_by_project` ON `security_groups` (`project_id`);
CREATE UNIQUE INDEX `security_groups_default` ON `security_groups` (`project_id`,`is_default`);
CREATE TABLE `subnets` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text DEFAULT '' NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`tags` text DEFAULT '[]' NOT NULL,
	`revision` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`network_id` text NOT NULL,
	`ip_version` integer NOT NULL,
	`cidr` text NOT NULL,
	`gateway_ip` text,
	`enable_dhcp` integer DEFAULT true NOT NULL,
	`allocation_pools` text NOT NULL,
	`dns_nameservers` text DEFAULT '[]' NOT NULL,
	`host_routes` text DEFAULT '[]' NOT NULL,
	`ipv6_address_mode` text,
	`ipv6_ra_mode` text,
	`subnetpool_id` text,
	`zone` text
);

CREATE INDEX `subnets_by_network` ON `subnets` (`network_id`);
CREATE INDEX `subnets_by_project` ON `subnets` (`project_id`);
CREATE TABLE `images` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text,
	`name` text,
	`visibility` text NOT NULL,
	`status` text NOT NULL,
	`protected` integer DEFAULT false NOT NULL,
	`hidden` integer DEFAULT false NOT NULL,
	`container_format` text,
	`disk_format` text,
	`arch` text DEFAULT 'x86_64' NOT NULL,
	`min_disk_gib` integer DEFAULT 0 NOT NULL,
	`min_ram_mib` integer DEFAULT 0 NOT NULL,
	`size_bytes` integer,
	`virtual_size_bytes` integer,
	`checksum` text,
	`hash_algo` text,
	`hash_value` text,
	`properties` text DEFAULT '{}' NOT NULL,
	`tags` text DEFAULT '[]' NOT NULL,
	`server_id` text,
	`fault` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer
);

CREATE INDEX `images_by_project` ON `images` (`project_id`,`deleted_at`,`created_at`);
CREATE INDEX `images_by_visibility` ON `images` (`visibility`,`deleted_at`,`created_at`);
CREATE TABLE `snapshots` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`name` text,
	`description` text,
	`volume_id` text NOT NULL,
	`size_gib` integer NOT NULL,
	`cloud_id` text NOT NULL,
	`metadata` text DEFAULT '{}' NOT NULL,
	`status` text DEFAULT 'creating' NOT NULL,
	`fault` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer
);

CREATE INDEX `snapshots_by_project` ON `snapshots` (`project_id`,`deleted_at`,`created_at`);
CREATE INDEX `snapshots_by_volume` ON `snapshots` (`volume_id`);
CREATE TABLE `volumes` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`name` text,
	`description` text,
	`size_gib` integer NOT NULL,
	`volume_type` text NOT NULL,
	`cloud_id` text NOT NULL,
	`zone` text NOT NULL,
	`snapshot_id` text,
	`source_volume_id` text,
	`image_id` text,
	`bootable` integer DEFAULT false NOT NULL,
	`readonly` integer DEFAULT false NOT NULL,
	`metadata` text DEFAULT '{}' NOT NULL,
	`image_metadata` text DEFAULT '{}' NOT NULL,
	`status` text DEFAULT 'creating' NOT NULL,
	`fault` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer
);

CREATE INDEX `volumes_by_project` ON `volumes` (`project_id`,`deleted_at`,`created_at`);
CREATE INDEX `volumes_by_cloud` ON `volumes` (`cloud_id`,`deleted_at`);