ALTER TABLE `clouds` ADD `placing` integer DEFAULT true NOT NULL;
ALTER TABLE `clouds` ADD `placing_reason` text;