ALTER TABLE `project_templates` ADD `made` integer DEFAULT 0 NOT NULL;
ALTER TABLE `project_templates` ADD `month` integer DEFAULT 0 NOT NULL;
CREATE INDEX `trusts_by_end` ON `trusts` (`expires_at`) WHERE expires_at IS NOT NULL;