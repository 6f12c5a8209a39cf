ALTER TABLE `servers` ADD `lease_ends_at` integer;
ALTER TABLE `servers` ADD `lease_due_at` integer;
ALTER TABLE `servers` ADD `lease_end` text;
CREATE INDEX `servers_by_lease` ON `servers` (`lease_due_at`) WHERE lease_due_at IS NOT NULL AND deleted_at IS NULL AND locked = 0 AND (lease_end = 'delete' OR vm_state <> 'stopped');