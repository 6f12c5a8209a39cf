CREATE TABLE `network_plans` (
	`project_id` text PRIMARY KEY NOT NULL,
	`routed` integer NOT NULL,
	`pool_id` text,
	`prefix_length` integer,
	`updated_at` integer NOT NULL
);

CREATE INDEX `network_plans_by_pool` ON `network_plans` (`pool_id`);
ALTER TABLE `networks` ADD `grows` integer;