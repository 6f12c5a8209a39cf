CREATE INDEX `attachments_by_project` ON `attachments` (`project_id`,`created_at`,`id`);
CREATE INDEX `attachments_by_time` ON `attachments` (`created_at`,`id`);