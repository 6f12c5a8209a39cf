CREATE TABLE `server_group_members` (
	`server_id` text PRIMARY KEY NOT NULL,
	`group_id` text NOT NULL,
	`policy` text NOT NULL,
	`max_server_per_host` integer,
	`created_at` integer NOT NULL
);

CREATE INDEX `server_group_members_by_group` ON `server_group_members` (`group_id`,`created_at`,`server_id`);
CREATE TABLE `server_groups` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`name` text NOT NULL,
	`policy` text NOT NULL,
	`max_server_per_host` integer,
	`created_at` integer NOT NULL
);

CREATE INDEX `server_groups_by_project` ON `server_groups` (`project_id`,`created_at`,`id`);
CREATE INDEX `server_groups_by_time` ON `server_groups` (`created_at`,`id`);
CREATE TABLE `server_placements` (
	`server_id` text PRIMARY KEY NOT NULL,
	`hints` text DEFAULT '{}' NOT NULL,
	`explanation` text NOT NULL,
	`attempts` text DEFAULT '[]' NOT NULL,
	`created_at` integer NOT NULL
);
