CREATE TABLE `access_rules` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`service` text NOT NULL,
	`method` text NOT NULL,
	`path` text NOT NULL
);

CREATE UNIQUE INDEX `access_rules_alike` ON `access_rules` (`user_id`,`service`,`method`,`path`);
CREATE TABLE `application_credentials` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`project_id` text NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`secret_hash` text NOT NULL,
	`roles` text NOT NULL,
	`expires_at` integer,
	`unrestricted` integer NOT NULL,
	`created_at` integer NOT NULL
);

CREATE UNIQUE INDEX `application_credentials_by_name` ON `application_credentials` (`user_id`,`name`);
CREATE INDEX `application_credentials_by_project` ON `application_credentials` (`project_id`);
CREATE TABLE `credential_rules` (
	`credential_id` text NOT NULL,
	`rule_id` text NOT NULL,
	PRIMARY KEY(`credential_id`, `rule_id`)
);

CREATE INDEX `credential_rules_by_rule` ON `credential_rules` (`rule_id`);