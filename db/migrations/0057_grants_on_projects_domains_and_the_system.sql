CREATE TABLE `grants` (
	`actor_id` text NOT NULL,
	`target_id` text NOT NULL,
	`role_id` text NOT NULL,
	`inherited` integer DEFAULT false NOT NULL,
	`actor` text DEFAULT 'user' NOT NULL,
	`target` text DEFAULT 'project' NOT NULL,
	PRIMARY KEY(`actor_id`, `target_id`, `inherited`, `role_id`)
);

CREATE INDEX `grants_by_target` ON `grants` (`target_id`,`actor_id`);
CREATE INDEX `grants_by_role` ON `grants` (`role_id`);
CREATE TABLE `group_members` (
	`group_id` text NOT NULL,
	`user_id` text NOT NULL,
	PRIMARY KEY(`user_id`, `group_id`)
);

CREATE INDEX `group_members_by_group` ON `group_members` (`group_id`);
CREATE TABLE `implied_roles` (
	`prior_id` text NOT NULL,
	`implied_id` text NOT NULL,
	PRIMARY KEY(`prior_id`, `implied_id`)
);

CREATE INDEX `implied_roles_by_implied` ON `implied_roles` (`implied_id`);
CREATE TABLE `user_groups` (
	`id` text PRIMARY KEY NOT NULL,
	`domain_id` text NOT NULL,
	`name` text NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`extra` text DEFAULT '{}' NOT NULL,
	`created_at` integer NOT NULL
);

CREATE UNIQUE INDEX `user_groups_by_name` ON `user_groups` (`domain_id`,`name`);
DROP INDEX `roles_name_unique`;
ALTER TABLE `roles` ADD `domain_id` text DEFAULT '' NOT NULL;
ALTER TABLE `roles` ADD `options` text DEFAULT '{}' NOT NULL;
ALTER TABLE `roles` ADD `extra` text DEFAULT '{}' NOT NULL;
CREATE UNIQUE INDEX `roles_by_name` ON `roles` (`domain_id`,`name`);
ALTER TABLE `domains` ADD `tags` text DEFAULT '[]' NOT NULL;
ALTER TABLE `domains` ADD `options` text DEFAULT '{}' NOT NULL;
ALTER TABLE `domains` ADD `extra` text DEFAULT '{}' NOT NULL;
ALTER TABLE `domains` ADD `epoch` integer DEFAULT 0 NOT NULL;
ALTER TABLE `projects` ADD `parent_id` text;
ALTER TABLE `projects` ADD `options` text DEFAULT '{}' NOT NULL;
CREATE INDEX `projects_by_parent` ON `projects` (`parent_id`);
ALTER TABLE `users` ADD `options` text DEFAULT '{}' NOT NULL;

INSERT INTO `grants` (`actor_id`, `target_id`, `role_id`)
	SELECT `user_id`, `project_id`, `role_id` FROM `role_assignments`;
INSERT INTO `grants` (`actor_id`, `target_id`, `role_id`, `target`)
	SELECT DISTINCT a.`user_id`, 'system', a.`role_id`, 'system' FROM `role_assignments` a
	JOIN `roles` r ON r.`id` = a.`role_id` JOIN `projects` p ON p.`id` = a.`project_id`
	WHERE r.`name` = 'admin' AND p.`name` = 'admin' AND p.`domain_id` = 'default';
INSERT INTO `implied_roles` (`prior_id`, `implied_id`)
	SELECT p.`id`, i.`id` FROM `roles` p JOIN `roles` i ON
		(p.`name` = 'admin' AND i.`name` = 'manager') OR (p.`name` = 'manager' AND i.`name` = 'member')
		OR (p.`name` = 'member' AND i.`name` = 'reader');
UPDATE `roles` SET `options` = '{"immutable":true}' WHERE `name` IN ('admin', 'manager', 'member', 'reader', 'service');
