-- A volume may be nowhere yet: its cloud and zone may be null, which SQLite only lets a new table say.
CREATE TABLE `__new_volumes` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`name` text,
	`description` text,
	`size_gib` integer NOT NULL,
	`volume_type` text NOT NULL,
	`cloud_id` text,
	`zone` text,
	`pinned_zone` text,
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

INSERT INTO `__new_volumes`("id", "project_id", "user_id", "name", "description", "size_gib", "volume_type", "cloud_id", "zone", "snapshot_id", "source_volume_id", "image_id", "bootable", "readonly", "metadata", "image_metadata", "status", "fault", "created_at", "updated_at", "deleted_at") SELECT "id", "project_id", "user_id", "name", "description", "size_gib", "volume_type", "cloud_id", "zone", "snapshot_id", "source_volume_id", "image_id", "bootable", "readonly", "metadata", "image_metadata", "status", "fault", "created_at", "updated_at", "deleted_at" FROM `volumes`;
DROP TABLE `volumes`;
ALTER TABLE `__new_volumes` RENAME TO `volumes`;
CREATE INDEX `volumes_by_project` ON `volumes` (`project_id`,`deleted_at`,`created_at`,`id`);
CREATE INDEX `volumes_by_name` ON `volumes` (`project_id`,coalesce(name, ''),`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `volumes_by_status` ON `volumes` (`project_id`,`status`,`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `volumes_by_size` ON `volumes` (`project_id`,`size_gib`,`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `volumes_by_time` ON `volumes` (`created_at`,`id`) WHERE deleted_at IS NULL;
CREATE INDEX `volumes_with_metadata` ON `volumes` (`project_id`) WHERE deleted_at IS NULL AND metadata <> '{}';
CREATE INDEX `volumes_deleted` ON `volumes` (`deleted_at`) WHERE deleted_at IS NOT NULL;
CREATE INDEX `volumes_by_snapshot` ON `volumes` (`snapshot_id`) WHERE snapshot_id IS NOT NULL;
CREATE INDEX `volumes_by_source` ON `volumes` (`source_volume_id`) WHERE source_volume_id IS NOT NULL;
CREATE INDEX `volumes_by_cloud` ON `volumes` (`cloud_id`,`deleted_at`);