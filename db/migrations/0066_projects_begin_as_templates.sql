CREATE TABLE `project_templates` (
	`domain_id` text PRIMARY KEY NOT NULL,
	`most_projects` integer NOT NULL,
	`quotas` text NOT NULL,
	`policy` text NOT NULL,
	`created_at` integer NOT NULL
);

CREATE TABLE `template_mappings` (
	`domain_id` text NOT NULL,
	`cloud_id` text NOT NULL,
	`mapping` text NOT NULL,
	PRIMARY KEY(`domain_id`, `cloud_id`)
);

CREATE INDEX `template_mappings_by_cloud` ON `template_mappings` (`cloud_id`);
ALTER TABLE `domains` ADD `projects` integer DEFAULT 0 NOT NULL;
UPDATE `domains` SET `projects` = (SELECT count(*) FROM `projects` p WHERE p.`domain_id` = `domains`.`id`);
CREATE TRIGGER projects_more AFTER INSERT ON projects
BEGIN
  UPDATE domains SET projects = projects + 1 WHERE id = NEW.domain_id;
END;
CREATE TRIGGER projects_less AFTER DELETE ON projects
BEGIN
  UPDATE domains SET projects = projects - 1 WHERE id = OLD.domain_id;
END;
