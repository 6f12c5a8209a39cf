DROP INDEX `servers_by_project`;
CREATE INDEX `servers_by_name` ON `servers` (`project_id`,`name`,`created_at`,`id`) WHERE deleted_at IS NULL;
CREATE INDEX `servers_by_status` ON `servers` (`project_id`,`status`,`created_at`,`id`) WHERE deleted_at IS NULL;
CREATE INDEX `servers_by_change` ON `servers` (`project_id`,`updated_at`,`created_at`,`id`);
CREATE INDEX `servers_by_time` ON `servers` (`created_at`,`id`) WHERE deleted_at IS NULL;
CREATE INDEX `servers_by_project` ON `servers` (`project_id`,`deleted_at`,`created_at`,`id`,`name`);