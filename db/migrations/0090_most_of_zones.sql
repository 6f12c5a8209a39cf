CREATE TABLE `zone_sizes` (
	`cloud_id` text NOT NULL,
	`zone` text NOT NULL,
	`vcpus` integer NOT NULL,
	`ram_mib` integer NOT NULL,
	`disk_gib` integer,
	`archs` text NOT NULL,
	PRIMARY KEY(`cloud_id`, `zone`)
);

INSERT INTO zone_sizes (cloud_id, zone, vcpus, ram_mib, disk_gib, archs)
  SELECT o.cloud_id, z.value, max(o.vcpus), max(o.ram_mib), iif(min(o.disk_gib) = 0, null, max(o.disk_gib)), json_group_array(DISTINCT o.arch)
  FROM offers o JOIN json_each(o.zones) z GROUP BY o.cloud_id, z.value;
DROP INDEX `backups_by_project`;
CREATE INDEX `backups_by_project` ON `snapshots` (`project_id`,`deleted_at`,`created_at`,`id`) WHERE backup IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX `grants_on_domains` ON `grants` (`actor_id`,`target_id`) WHERE target = 'domain' AND NOT inherited;