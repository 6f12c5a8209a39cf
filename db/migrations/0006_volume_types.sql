CREATE TABLE `volume_types` (
	`cloud_id` text NOT NULL,
	`name` text NOT NULL,
	`zones` text,
	PRIMARY KEY(`cloud_id`, `name`)
);
