ALTER TABLE `segments` ADD `wire` text;
CREATE INDEX `segments_by_wire` ON `segments` (`wire`,`cloud_id`) WHERE wire IS NOT NULL;