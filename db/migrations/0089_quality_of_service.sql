CREATE TABLE `qos_policies` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text DEFAULT '' NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`tags` text DEFAULT '[]' NOT NULL,
	`revision` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`shared` integer DEFAULT false NOT NULL,
	`is_default` integer DEFAULT false NOT NULL
);

CREATE INDEX `qos_policies_by_project` ON `qos_policies` (`project_id`,`created_at`,`id`);
CREATE INDEX `qos_policies_by_time` ON `qos_policies` (`created_at`,`id`);
CREATE INDEX `qos_policies_shared` ON `qos_policies` (`shared`) WHERE shared = 1;
CREATE UNIQUE INDEX `qos_policies_default` ON `qos_policies` (`project_id`) WHERE is_default = 1;
CREATE TABLE `qos_rules` (
	`id` text PRIMARY KEY NOT NULL,
	`policy_id` text NOT NULL,
	`type` text NOT NULL,
	`direction` text NOT NULL,
	`value` integer NOT NULL,
	`burst` integer DEFAULT 0 NOT NULL
);

CREATE UNIQUE INDEX `qos_rules_once` ON `qos_rules` (`policy_id`,`type`,`direction`);
ALTER TABLE `networks` ADD `qos_policy_id` text;
CREATE INDEX `networks_by_qos` ON `networks` (`qos_policy_id`) WHERE qos_policy_id IS NOT NULL;
ALTER TABLE `ports` ADD `qos_policy_id` text;
CREATE INDEX `ports_by_qos` ON `ports` (`qos_policy_id`) WHERE qos_policy_id IS NOT NULL;
-- What a policy of sharing says to all is shared by its attribute; what is said of it goes with it.
CREATE TRIGGER qos_policies_shared_delete AFTER DELETE ON qos_policies
BEGIN
  DELETE FROM rbac_policies WHERE object_id = OLD.id;
END;
CREATE TRIGGER rbac_qos_policy_insert AFTER INSERT ON rbac_policies WHEN NEW.object_type = 'qos_policy' AND NEW.target = '*'
BEGIN
  UPDATE qos_policies SET shared = 1 WHERE id = NEW.object_id AND shared = 0;
END;
CREATE TRIGGER rbac_qos_policy_target AFTER UPDATE OF target ON rbac_policies WHEN NEW.object_type = 'qos_policy'
BEGIN
  UPDATE qos_policies SET shared = (NEW.target = '*') WHERE id = NEW.object_id AND (NEW.target = '*' OR OLD.target = '*') AND shared <> (NEW.target = '*');
END;
CREATE TRIGGER rbac_qos_policy_delete AFTER DELETE ON rbac_policies WHEN OLD.object_type = 'qos_policy' AND OLD.target = '*'
BEGIN
  UPDATE qos_policies SET shared = 0 WHERE id = OLD.object_id AND shared = 1;
END;
