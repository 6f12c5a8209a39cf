CREATE TABLE `group_snapshots` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`group_id` text NOT NULL,
	`group_type_id` text NOT NULL,
	`name` text,
	`description` text,
	`said` text,
	`created_at` integer NOT NULL
);

CREATE INDEX `group_snapshots_by_project` ON `group_snapshots` (`project_id`,`created_at`,`id`);
CREATE INDEX `group_snapshots_by_time` ON `group_snapshots` (`created_at`,`id`);
CREATE INDEX `group_snapshots_by_group` ON `group_snapshots` (`group_id`);
CREATE TABLE `group_types` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`is_public` integer DEFAULT true NOT NULL,
	`specs` text DEFAULT '{}' NOT NULL,
	`created_at` integer NOT NULL
);

CREATE UNIQUE INDEX `group_types_name_unique` ON `group_types` (`name`);
CREATE TABLE `volume_groups` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text,
	`description` text,
	`group_type_id` text NOT NULL,
	`volume_types` text DEFAULT '[]' NOT NULL,
	`zone` text,
	`status` text NOT NULL,
	`group_snapshot_id` text,
	`source_group_id` text,
	`created_at` integer NOT NULL
);

CREATE INDEX `volume_groups_by_project` ON `volume_groups` (`project_id`,`created_at`,`id`);
CREATE INDEX `volume_groups_by_time` ON `volume_groups` (`created_at`,`id`);
CREATE INDEX `volume_groups_by_type` ON `volume_groups` (`group_type_id`);
ALTER TABLE `snapshots` ADD `group_snapshot_id` text;
CREATE INDEX `snapshots_by_group` ON `snapshots` (`group_snapshot_id`) WHERE group_snapshot_id IS NOT NULL AND deleted_at IS NULL;
ALTER TABLE `volumes` ADD `group_id` text;
CREATE INDEX `volumes_by_group` ON `volumes` (`group_id`) WHERE group_id IS NOT NULL AND deleted_at IS NULL;