CREATE TABLE `held_ranges` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`cloud_id` text NOT NULL,
	`network` text NOT NULL,
	`whole` integer NOT NULL,
	`cidr` text NOT NULL
);

CREATE UNIQUE INDEX `held_ranges_once` ON `held_ranges` (`cloud_id`,`network`,`whole`,`cidr`);