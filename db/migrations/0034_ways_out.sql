ALTER TABLE `routers` ADD `egress_of` text;
CREATE INDEX `routers_by_egress` ON `routers` (`egress_of`) WHERE egress_of IS NOT NULL;
ALTER TABLE `network_plans` ADD `egress` integer DEFAULT false NOT NULL;