CREATE TABLE `login_failures` (
	`user_id` text NOT NULL,
	`source` text NOT NULL,
	`failures` integer NOT NULL,
	`since` integer NOT NULL,
	`locked_until` integer NOT NULL,
	PRIMARY KEY(`user_id`, `source`)
);

ALTER TABLE `users` DROP COLUMN `failed_logins`;
ALTER TABLE `users` DROP COLUMN `locked_until`;