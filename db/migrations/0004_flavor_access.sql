CREATE TABLE `flavor_access` (
	`flavor_id` text NOT NULL,
	`project_id` text NOT NULL,
	PRIMARY KEY(`flavor_id`, `project_id`)
);

ALTER TABLE `flavors` ADD `rxtx_factor` real DEFAULT 1 NOT NULL;