ALTER TABLE `attachments` ADD `boot_index` integer;
ALTER TABLE `images` ADD `volume_id` text;