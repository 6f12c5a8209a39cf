ALTER TABLE `servers` ADD `booted_at` integer;
ALTER TABLE `servers` ADD `parent_id` text;
ALTER TABLE `servers` ADD `fork_mode` text;
ALTER TABLE `servers` ADD `expires_at` integer;
CREATE INDEX `servers_by_parent` ON `servers` (`parent_id`) WHERE parent_id IS NOT NULL;
CREATE INDEX `servers_by_expiry` ON `servers` (`expires_at`) WHERE expires_at IS NOT NULL AND deleted_at IS NULL;
ALTER TABLE `images` ADD `blob` text;
ALTER TABLE `images` ADD `fork_id` text;