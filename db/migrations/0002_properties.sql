ALTER TABLE `projects` ADD `extra` text DEFAULT '{}' NOT NULL;
ALTER TABLE `users` ADD `extra` text DEFAULT '{}' NOT NULL;