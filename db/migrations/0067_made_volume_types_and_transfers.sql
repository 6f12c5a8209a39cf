CREATE TABLE `volume_messages` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`request_id` text NOT NULL,
	`resource_type` text NOT NULL,
	`resource_id` text NOT NULL,
	`event_id` text NOT NULL,
	`level` text DEFAULT 'ERROR' NOT NULL,
	`message` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
);

CREATE INDEX `volume_messages_by_project` ON `volume_messages` (`project_id`,`created_at`,`id`);
CREATE INDEX `volume_messages_by_time` ON `volume_messages` (`created_at`,`id`);
CREATE INDEX `volume_messages_by_expiry` ON `volume_messages` (`expires_at`);
CREATE TABLE `volume_transfers` (
	`id` text PRIMARY KEY NOT NULL,
	`volume_id` text NOT NULL,
	`project_id` text NOT NULL,
	`name` text,
	`key_hash` text NOT NULL,
	`no_snapshots` integer DEFAULT false NOT NULL,
	`destination_project_id` text,
	`created_at` integer NOT NULL,
	`deleted_at` integer
);

CREATE INDEX `volume_transfers_by_project` ON `volume_transfers` (`project_id`,`deleted_at`,`created_at`,`id`);
CREATE INDEX `volume_transfers_by_volume` ON `volume_transfers` (`volume_id`) WHERE deleted_at IS NULL;
CREATE INDEX `volume_transfers_deleted` ON `volume_transfers` (`deleted_at`) WHERE deleted_at IS NOT NULL;
CREATE TABLE `default_volume_types` (
	`project_id` text PRIMARY KEY NOT NULL,
	`type_id` text NOT NULL
);

CREATE INDEX `default_volume_types_by_type` ON `default_volume_types` (`type_id`);
CREATE TABLE `made_volume_types` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`is_public` integer DEFAULT true NOT NULL,
	`extra_specs` text DEFAULT '{}' NOT NULL,
	`qos_specs_id` text,
	`encryption` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);

CREATE UNIQUE INDEX `made_volume_types_name_unique` ON `made_volume_types` (`name`);
CREATE TABLE `qos_specs` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`consumer` text NOT NULL,
	`specs` text DEFAULT '{}' NOT NULL,
	`created_at` integer NOT NULL
);

CREATE UNIQUE INDEX `qos_specs_name_unique` ON `qos_specs` (`name`);
CREATE TABLE `volume_type_access` (
	`type_id` text NOT NULL,
	`project_id` text NOT NULL,
	PRIMARY KEY(`type_id`, `project_id`)
);

ALTER TABLE `volumes` ADD `type_id` text;
CREATE INDEX `volumes_by_made_type` ON `volumes` (`type_id`) WHERE type_id IS NOT NULL AND deleted_at IS NULL;