CREATE TABLE `cloud_hosts` (
	`cloud_id` text NOT NULL,
	`zone` text NOT NULL,
	`name` text NOT NULL,
	`answers` integer NOT NULL,
	`seen_at` integer,
	PRIMARY KEY(`cloud_id`, `name`)
);
