CREATE TABLE `address_groups` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text DEFAULT '' NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`revision` integer DEFAULT 0 NOT NULL,
	`addresses` text DEFAULT '[]' NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);

CREATE INDEX `address_groups_by_project` ON `address_groups` (`project_id`,`created_at`,`id`);
CREATE INDEX `address_groups_by_time` ON `address_groups` (`created_at`,`id`);
ALTER TABLE `security_group_rules` ADD `remote_address_group_id` text;
CREATE INDEX `security_group_rules_by_addresses` ON `security_group_rules` (`remote_address_group_id`) WHERE remote_address_group_id IS NOT NULL;
-- What is said of it goes with it.
CREATE TRIGGER address_groups_shared_delete AFTER DELETE ON address_groups
BEGIN
  DELETE FROM rbac_policies WHERE object_id = OLD.id;
END;
