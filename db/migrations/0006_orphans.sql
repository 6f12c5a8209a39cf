CREATE TABLE `lapses` (
	`since` integer PRIMARY KEY NOT NULL,
	`until` integer NOT NULL
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