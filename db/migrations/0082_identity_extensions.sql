CREATE TABLE `endpoint_groups` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`filters` text NOT NULL
);

CREATE TABLE `project_endpoint_groups` (
	`project_id` text NOT NULL,
	`group_id` text NOT NULL,
	PRIMARY KEY(`project_id`, `group_id`)
);

CREATE INDEX `project_endpoint_groups_by_group` ON `project_endpoint_groups` (`group_id`);
CREATE TABLE `project_endpoints` (
	`project_id` text NOT NULL,
	`endpoint_id` text NOT NULL,
	PRIMARY KEY(`project_id`, `endpoint_id`)
);

CREATE INDEX `project_endpoints_by_endpoint` ON `project_endpoints` (`endpoint_id`);
CREATE TABLE `domain_configs` (
	`domain_id` text PRIMARY KEY NOT NULL,
	`config` text NOT NULL
);

CREATE TABLE `former_passwords` (
	`user_id` text NOT NULL,
	`hash` text NOT NULL,
	`replaced_at` integer NOT NULL
);

CREATE INDEX `former_passwords_by_user` ON `former_passwords` (`user_id`,`replaced_at`);
CREATE TABLE `federated_users` (
	`idp_id` text NOT NULL,
	`protocol_id` text NOT NULL,
	`unique_id` text NOT NULL,
	`user_id` text NOT NULL,
	`last_seen_at` integer NOT NULL,
	PRIMARY KEY(`idp_id`, `protocol_id`, `unique_id`)
);

CREATE INDEX `federated_users_by_user` ON `federated_users` (`user_id`);
CREATE INDEX `federated_users_by_id` ON `federated_users` (`unique_id`);
CREATE TABLE `federation_mappings` (
	`id` text PRIMARY KEY NOT NULL,
	`rules` text NOT NULL,
	`schema_version` text NOT NULL
);

CREATE TABLE `federation_protocols` (
	`idp_id` text NOT NULL,
	`id` text NOT NULL,
	`mapping_id` text NOT NULL,
	`remote_id_attribute` text,
	PRIMARY KEY(`idp_id`, `id`)
);

CREATE INDEX `federation_protocols_by_mapping` ON `federation_protocols` (`mapping_id`);
CREATE TABLE `identity_providers` (
	`id` text PRIMARY KEY NOT NULL,
	`enabled` integer NOT NULL,
	`description` text,
	`domain_id` text NOT NULL,
	`remote_ids` text NOT NULL,
	`authorization_ttl` integer
);

CREATE INDEX `identity_providers_by_domain` ON `identity_providers` (`domain_id`);
CREATE TABLE `remote_ids` (
	`remote_id` text PRIMARY KEY NOT NULL,
	`idp_id` text NOT NULL
);

CREATE INDEX `remote_ids_by_provider` ON `remote_ids` (`idp_id`);
CREATE TABLE `service_providers` (
	`id` text PRIMARY KEY NOT NULL,
	`enabled` integer NOT NULL,
	`description` text,
	`auth_url` text NOT NULL,
	`sp_url` text NOT NULL,
	`relay_state_prefix` text NOT NULL
);

CREATE TABLE `sso_logins` (
	`id` text PRIMARY KEY NOT NULL,
	`idp_id` text NOT NULL,
	`protocol_id` text NOT NULL,
	`origin` text NOT NULL,
	`verifier` text NOT NULL,
	`nonce` text NOT NULL,
	`expires_at` integer NOT NULL
);

CREATE INDEX `sso_logins_by_end` ON `sso_logins` (`expires_at`);
CREATE TABLE `limits` (
	`id` text PRIMARY KEY NOT NULL,
	`registered_id` text NOT NULL,
	`project_id` text DEFAULT '' NOT NULL,
	`domain_id` text DEFAULT '' NOT NULL,
	`resource_limit` integer NOT NULL,
	`description` text
);

CREATE UNIQUE INDEX `limits_alike` ON `limits` (`registered_id`,`project_id`,`domain_id`);
CREATE INDEX `limits_by_project` ON `limits` (`project_id`);
CREATE INDEX `limits_by_domain` ON `limits` (`domain_id`);
CREATE TABLE `registered_limits` (
	`id` text PRIMARY KEY NOT NULL,
	`service_id` text NOT NULL,
	`region_id` text DEFAULT '' NOT NULL,
	`resource_name` text NOT NULL,
	`default_limit` integer NOT NULL,
	`description` text
);

CREATE UNIQUE INDEX `registered_limits_alike` ON `registered_limits` (`service_id`,`region_id`,`resource_name`);
CREATE TABLE `access_tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`consumer_id` text NOT NULL,
	`secret` text NOT NULL,
	`user_id` text NOT NULL,
	`project_id` text NOT NULL,
	`roles` text NOT NULL,
	`expires_at` integer NOT NULL
);

CREATE INDEX `access_tokens_by_user` ON `access_tokens` (`user_id`);
CREATE INDEX `access_tokens_by_consumer` ON `access_tokens` (`consumer_id`);
CREATE INDEX `access_tokens_by_project` ON `access_tokens` (`project_id`);
CREATE INDEX `access_tokens_by_end` ON `access_tokens` (`expires_at`);
CREATE INDEX `access_tokens_sealed` ON `access_tokens` (substr(secret, 1, 12));
CREATE TABLE `consumers` (
	`id` text PRIMARY KEY NOT NULL,
	`description` text,
	`secret` text NOT NULL,
	`extra` text DEFAULT '{}' NOT NULL
);

CREATE INDEX `consumers_sealed` ON `consumers` (substr(secret, 1, 12));
CREATE TABLE `request_tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`consumer_id` text NOT NULL,
	`secret` text NOT NULL,
	`project_id` text NOT NULL,
	`user_id` text,
	`roles` text,
	`verifier` text,
	`expires_at` integer NOT NULL
);

CREATE INDEX `request_tokens_by_consumer` ON `request_tokens` (`consumer_id`);
CREATE INDEX `request_tokens_by_end` ON `request_tokens` (`expires_at`);
CREATE INDEX `request_tokens_by_user` ON `request_tokens` (`user_id`);
CREATE INDEX `request_tokens_by_project` ON `request_tokens` (`project_id`);
CREATE INDEX `request_tokens_sealed` ON `request_tokens` (substr(secret, 1, 12));
CREATE TABLE `used_once` (
	`id` text PRIMARY KEY NOT NULL,
	`until` integer NOT NULL
);

CREATE INDEX `used_once_by_end` ON `used_once` (`until`);
CREATE TABLE `policies` (
	`id` text PRIMARY KEY NOT NULL,
	`type` text NOT NULL,
	`blob` text NOT NULL,
	`extra` text DEFAULT '{}' NOT NULL
);

CREATE TABLE `policy_places` (
	`endpoint_id` text DEFAULT '' NOT NULL,
	`service_id` text DEFAULT '' NOT NULL,
	`region_id` text DEFAULT '' NOT NULL,
	`policy_id` text NOT NULL,
	PRIMARY KEY(`endpoint_id`, `service_id`, `region_id`)
);

CREATE INDEX `policy_places_by_policy` ON `policy_places` (`policy_id`);
ALTER TABLE `group_members` ADD `idp_id` text DEFAULT '' NOT NULL;
ALTER TABLE `group_members` ADD `until` integer;
CREATE INDEX `group_members_by_end` ON `group_members` (`until`) WHERE until IS NOT NULL;
ALTER TABLE `users` ADD `password_expires_at` integer;
ALTER TABLE `users` ADD `password_is_own` integer DEFAULT false NOT NULL;
CREATE INDEX `users_by_password_end` ON `users` (`password_expires_at`) WHERE password_expires_at IS NOT NULL;