CREATE TABLE `catalog_endpoints` (
	`id` text PRIMARY KEY NOT NULL,
	`service_id` text NOT NULL,
	`interface` text NOT NULL,
	`region_id` text,
	`url` text NOT NULL,
	`enabled` integer DEFAULT true NOT NULL,
	`extra` text DEFAULT '{}' NOT NULL
);

CREATE INDEX `catalog_endpoints_by_service` ON `catalog_endpoints` (`service_id`);
CREATE TABLE `catalog_regions` (
	`id` text PRIMARY KEY NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`parent_id` text,
	`extra` text DEFAULT '{}' NOT NULL
);

CREATE TABLE `catalog_services` (
	`id` text PRIMARY KEY NOT NULL,
	`type` text NOT NULL,
	`name` text DEFAULT '' NOT NULL,
	`description` text,
	`enabled` integer DEFAULT true NOT NULL,
	`extra` text DEFAULT '{}' NOT NULL
);

CREATE TABLE `credentials` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`project_id` text,
	`type` text NOT NULL,
	`blob` text NOT NULL,
	`created_at` integer NOT NULL
);

CREATE INDEX `credentials_by_user` ON `credentials` (`user_id`,`type`);
CREATE INDEX `credentials_by_project` ON `credentials` (`project_id`);
CREATE INDEX `credentials_sealed` ON `credentials` (substr(`blob`, 1, 12));