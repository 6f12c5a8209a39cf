CREATE TABLE `volume_services` (
	`cloud_id` text NOT NULL,
	`zone` text NOT NULL,
	`disabled` integer DEFAULT false NOT NULL,
	`disabled_reason` text,
	`frozen` integer DEFAULT false NOT NULL,
	`changed_at` integer NOT NULL,
	PRIMARY KEY(`cloud_id`, `zone`)
);
