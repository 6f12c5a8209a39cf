CREATE TABLE `cloud_state` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL,
	`version` integer NOT NULL
) WITHOUT ROWID;
