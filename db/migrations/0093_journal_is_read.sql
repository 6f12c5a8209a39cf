CREATE INDEX `journal_by_project` ON `journal` (`project_id`,`at`) WHERE project_id IS NOT NULL;
CREATE INDEX `journal_by_user` ON `journal` (`user_id`,`at`) WHERE user_id IS NOT NULL;
CREATE INDEX `journal_by_request` ON `journal` (`request_id`);
CREATE INDEX `journal_by_global_request` ON `journal` (`global_request_id`) WHERE global_request_id IS NOT NULL;