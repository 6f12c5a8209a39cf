ALTER TABLE `ports` ADD `dhcp_options` text DEFAULT '[]' NOT NULL;
ALTER TABLE `subnets` ADD `service_types` text DEFAULT '[]' NOT NULL;