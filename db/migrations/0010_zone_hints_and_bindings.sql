ALTER TABLE `networks` ADD `availability_zone_hints` text DEFAULT '[]' NOT NULL;
ALTER TABLE `ports` ADD `binding_host` text DEFAULT '' NOT NULL;
ALTER TABLE `ports` ADD `binding_profile` text DEFAULT '{}' NOT NULL;
ALTER TABLE `routers` ADD `availability_zone_hints` text DEFAULT '[]' NOT NULL;