CREATE TABLE `sweeps` (
	`cloud_id` text NOT NULL,
	`account` text NOT NULL,
	`kind` text NOT NULL,
	`due_at` integer NOT NULL,
	`lease_until` integer DEFAULT 0 NOT NULL,
	`started_at` integer,
	`duration_ms` integer,
	`report` text,
	PRIMARY KEY(`cloud_id`, `account`, `kind`)
);

CREATE INDEX `sweeps_due` ON `sweeps` (`due_at`);