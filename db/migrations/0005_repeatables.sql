CREATE TABLE `repeatables` (
	`key` text PRIMARY KEY NOT NULL,
	`body_hash` text NOT NULL,
	`seed` text NOT NULL,
	`answer` text,
	`created_at` integer NOT NULL
);

CREATE INDEX `repeatables_by_time` ON `repeatables` (`created_at`);