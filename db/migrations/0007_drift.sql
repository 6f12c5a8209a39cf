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
