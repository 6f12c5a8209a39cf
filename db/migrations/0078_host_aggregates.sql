CREATE TABLE `aggregate_hosts` (
	`aggregate_id` integer NOT NULL,
	`cloud_id` text NOT NULL,
	`zone` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`cloud_id`, `zone`, `aggregate_id`)
);

CREATE INDEX `aggregate_hosts_by_aggregate` ON `aggregate_hosts` (`aggregate_id`,`created_at`);
CREATE TABLE `aggregates` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`uuid` text NOT NULL,
	`name` text NOT NULL,
	`availability_zone` text,
	`metadata` text DEFAULT '{}' NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer
);

CREATE UNIQUE INDEX `aggregates_uuid_unique` ON `aggregates` (`uuid`);
CREATE UNIQUE INDEX `aggregates_name_unique` ON `aggregates` (`name`);
CREATE INDEX `aggregates_by_zone` ON `aggregates` (`availability_zone`) WHERE availability_zone IS NOT NULL;
CREATE INDEX `servers_asked_for_zone` ON `servers` (`pinned_zone`,`cloud_id`,`zone`) WHERE deleted_at IS NULL AND pinned_zone IS NOT NULL;