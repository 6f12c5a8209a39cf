CREATE TABLE `segments` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text,
	`description` text DEFAULT '' NOT NULL,
	`revision` integer DEFAULT 0 NOT NULL,
	`network_id` text NOT NULL,
	`cloud_id` text NOT NULL,
	`zone` text,
	`network_type` text DEFAULT 'flat' NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);

CREATE INDEX `segments_by_network` ON `segments` (`network_id`,`created_at`,`id`);
CREATE INDEX `segments_by_project` ON `segments` (`project_id`,`created_at`,`id`);
CREATE INDEX `segments_by_time` ON `segments` (`created_at`,`id`);
CREATE INDEX `segments_by_cloud` ON `segments` (`cloud_id`);
ALTER TABLE `ports` ADD `mac_named` integer DEFAULT false NOT NULL;
ALTER TABLE `ports` ADD `ip_allocation` text DEFAULT 'immediate' NOT NULL;
ALTER TABLE `subnets` ADD `segment_id` text;
CREATE INDEX `subnets_by_segment` ON `subnets` (`segment_id`) WHERE segment_id IS NOT NULL;

-- A network that is on a cloud has its first segment there, and the segment has its id.
INSERT INTO segments (id, project_id, network_id, cloud_id, created_at, updated_at)
SELECT id, project_id, id, cloud_id, created_at, updated_at FROM networks WHERE cloud_id IS NOT NULL;
CREATE TRIGGER networks_take_segments AFTER DELETE ON networks
BEGIN
  DELETE FROM segments WHERE network_id = OLD.id;
END;
-- The cloud of a network is that of its segments, as long as they are on one. Nothing else writes it.
CREATE TRIGGER segments_tell_network AFTER INSERT ON segments
BEGIN
  UPDATE networks SET updated_at = max(updated_at, NEW.updated_at), cloud_id = (SELECT iif(min(cloud_id) = max(cloud_id), min(cloud_id), NULL) FROM segments WHERE network_id = NEW.network_id)
  WHERE id = NEW.network_id;
END;
CREATE TRIGGER segments_untell_network AFTER DELETE ON segments
BEGIN
  UPDATE networks SET cloud_id = (SELECT iif(min(cloud_id) = max(cloud_id), min(cloud_id), NULL) FROM segments WHERE network_id = OLD.network_id)
  WHERE id = OLD.network_id;
END;
