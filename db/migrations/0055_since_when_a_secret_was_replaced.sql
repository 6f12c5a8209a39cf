ALTER TABLE `webhooks` ADD `rotated_at` integer;
