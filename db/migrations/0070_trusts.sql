CREATE TABLE `trusts` (
	`id` text PRIMARY KEY NOT NULL,
	`trustor_id` text NOT NULL,
	`trustee_id` text NOT NULL,
	`project_id` text,
	`impersonation` integer NOT NULL,
	`roles` text NOT NULL,
	`expires_at` integer,
	`remaining_uses` integer,
	`created_at` integer NOT NULL
);

CREATE INDEX `trusts_by_trustor` ON `trusts` (`trustor_id`,`trustee_id`);
CREATE INDEX `trusts_by_trustee` ON `trusts` (`trustee_id`);
CREATE INDEX `trusts_by_project` ON `trusts` (`project_id`);