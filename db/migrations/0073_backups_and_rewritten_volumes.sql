ALTER TABLE `snapshots` ADD `backup` text;
ALTER TABLE `snapshots` ADD `parent_id` text;
CREATE INDEX `backups_by_project` ON `snapshots` (`project_id`,`created_at`,`id`) WHERE backup IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX `backups_by_time` ON `snapshots` (`created_at`,`id`) WHERE backup IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX `backups_by_parent` ON `snapshots` (`parent_id`) WHERE parent_id IS NOT NULL AND deleted_at IS NULL;
ALTER TABLE `volumes` ADD `backup_id` text;
ALTER TABLE `volumes` ADD `rewrite` text;
CREATE INDEX `volumes_by_backup` ON `volumes` (`backup_id`) WHERE backup_id IS NOT NULL;
CREATE INDEX `volumes_rewritten` ON `volumes` (rewrite ->> 'token') WHERE rewrite IS NOT NULL;