CREATE TABLE `zone_use` (
	`cloud_id` text NOT NULL,
	`zone` text NOT NULL,
	`servers` integer NOT NULL,
	`vcpus` integer NOT NULL,
	`ram_mib` integer NOT NULL,
	`disk_gib` integer NOT NULL,
	PRIMARY KEY(`cloud_id`, `zone`)
);

CREATE TABLE `address_use` (
	`subnet_id` text PRIMARY KEY NOT NULL,
	`used` integer NOT NULL
);

DROP INDEX `servers_by_name`;
DROP INDEX `servers_by_status`;
DROP INDEX `servers_by_change`;
DROP INDEX `servers_by_image`;
CREATE INDEX `servers_by_vm_state` ON `servers` (`project_id`,`vm_state`,`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `servers_by_user` ON `servers` (`project_id`,`user_id`,`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `servers_by_key` ON `servers` (`project_id`,coalesce(key_name, ''),`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `servers_by_zone` ON `servers` (`project_id`,`cloud_id`,`zone`,`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `servers_by_launch` ON `servers` (`project_id`,coalesce(launched_at, 0),`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `servers_by_id` ON `servers` (`project_id`,`id`);
CREATE INDEX `servers_gone` ON `servers` (`project_id`,`created_at`) WHERE deleted_at IS NOT NULL;
CREATE INDEX `servers_busy` ON `servers` (`project_id`,`task_state`,`created_at`) WHERE deleted_at IS NULL AND task_state IS NOT NULL;
CREATE INDEX `servers_locked` ON `servers` (`project_id`,`locked`,`created_at`) WHERE deleted_at IS NULL AND locked = 1;
CREATE INDEX `servers_with_drive` ON `servers` (`project_id`,`config_drive`,`created_at`) WHERE deleted_at IS NULL AND config_drive = 1;
CREATE INDEX `servers_auto_disk` ON `servers` (`project_id`,`disk_config`,`created_at`) WHERE deleted_at IS NULL AND disk_config = 'AUTO';
CREATE INDEX `servers_unpowered` ON `servers` (`project_id`,`power_state`,`created_at`) WHERE deleted_at IS NULL AND power_state <> 1;
CREATE INDEX `servers_in_progress` ON `servers` (`project_id`,`progress`,`created_at`) WHERE deleted_at IS NULL AND progress <> 100;
CREATE INDEX `servers_of_many` ON `servers` (`project_id`,`launch_index`,`created_at`) WHERE deleted_at IS NULL AND launch_index > 0;
CREATE INDEX `servers_by_access_v4` ON `servers` (`project_id`,`access_ip_v4`,`created_at`) WHERE deleted_at IS NULL AND access_ip_v4 <> '';
CREATE INDEX `servers_by_access_v6` ON `servers` (`project_id`,`access_ip_v6`,`created_at`) WHERE deleted_at IS NULL AND access_ip_v6 <> '';
CREATE INDEX `servers_pinned` ON `servers` (`project_id`,`pinned_zone`,`created_at`) WHERE deleted_at IS NULL AND pinned_zone IS NOT NULL;
CREATE INDEX `servers_terminated` ON `servers` (`project_id`,`terminated_at`,`created_at`) WHERE terminated_at IS NOT NULL;
CREATE INDEX `servers_on_cloud` ON `servers` (`cloud_id`,`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `servers_unsettled` ON `servers` (`status`,`created_at`) WHERE deleted_at IS NULL AND status NOT IN ('ACTIVE', 'SHUTOFF');
CREATE INDEX `servers_changed` ON `servers` (`updated_at`);
CREATE INDEX `servers_by_name` ON `servers` (`project_id`,`name`,`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `servers_by_status` ON `servers` (`project_id`,`status`,`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `servers_by_change` ON `servers` (`project_id`,`updated_at`,`created_at`);
CREATE INDEX `servers_by_image` ON `servers` (`project_id`,coalesce(image_id, ''),`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `networks_by_name` ON `networks` (`name`,`project_id`,`created_at`);
CREATE INDEX `ports_by_name` ON `ports` (`project_id`,`name`,`created_at`);
CREATE INDEX `ports_by_status` ON `ports` (`project_id`,`status`,`created_at`);
CREATE INDEX `ports_by_owner` ON `ports` (`project_id`,`device_owner`,`created_at`);
CREATE INDEX `ports_by_change` ON `ports` (`project_id`,`updated_at`,`created_at`);
CREATE INDEX `ports_named` ON `ports` (`name`,`created_at`);
CREATE INDEX `ports_in_status` ON `ports` (`status`,`created_at`);
CREATE INDEX `ports_changed` ON `ports` (`updated_at`,`created_at`);
CREATE INDEX `ports_switched_off` ON `ports` (`project_id`) WHERE admin_state_up = 0;
CREATE INDEX `ports_hosted` ON `ports` (`binding_host`) WHERE binding_host <> '';
CREATE INDEX `routers_by_name` ON `routers` (`name`,`project_id`,`created_at`);
CREATE INDEX `security_groups_by_name` ON `security_groups` (`name`,`project_id`,`created_at`);
CREATE INDEX `subnets_by_name` ON `subnets` (`name`,`project_id`,`created_at`);
CREATE INDEX `images_by_name` ON `images` (coalesce(name, ''),`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `snapshots_by_name` ON `snapshots` (`project_id`,coalesce(name, ''),`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `snapshots_by_status` ON `snapshots` (`project_id`,`status`,`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `volumes_by_name` ON `volumes` (`project_id`,coalesce(name, ''),`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `volumes_by_status` ON `volumes` (`project_id`,`status`,`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `volumes_by_size` ON `volumes` (`project_id`,`size_gib`,`created_at`) WHERE deleted_at IS NULL;
CREATE INDEX `volumes_with_metadata` ON `volumes` (`project_id`) WHERE deleted_at IS NULL AND metadata <> '{}';
-- Of indexes that promise as much SQLite takes the youngest: these promise one row, and the others all of a project.
DROP INDEX `ports_by_device`;
DROP INDEX `feet_by_network`;
DROP INDEX `feet_by_router`;
CREATE INDEX `ports_by_device` ON `ports` (`device_id`);
CREATE INDEX `feet_by_network` ON `ports` (`network_id`,`device_id`) WHERE device_owner = 'network:router_interface';
CREATE INDEX `feet_by_router` ON `ports` (`device_id`,`network_id`) WHERE device_owner = 'network:router_interface';
-- What is counted is counted where rows are written, so that no way to write one can forget it.
INSERT INTO address_use (subnet_id, used) SELECT subnet_id, count(*) FROM ip_allocations GROUP BY subnet_id;
CREATE TRIGGER address_use_more AFTER INSERT ON ip_allocations
BEGIN
  INSERT INTO address_use (subnet_id, used)
    SELECT NEW.subnet_id, 0 WHERE NOT EXISTS (SELECT 1 FROM address_use WHERE subnet_id = NEW.subnet_id);
  UPDATE address_use SET used = used + 1 WHERE subnet_id = NEW.subnet_id;
END;
CREATE TRIGGER address_use_less AFTER DELETE ON ip_allocations
BEGIN
  UPDATE address_use SET used = used - 1 WHERE subnet_id = OLD.subnet_id;
END;
CREATE TRIGGER address_use_moved AFTER UPDATE OF subnet_id ON ip_allocations
BEGIN
  UPDATE address_use SET used = used - 1 WHERE subnet_id = OLD.subnet_id;
  INSERT INTO address_use (subnet_id, used)
    SELECT NEW.subnet_id, 0 WHERE NOT EXISTS (SELECT 1 FROM address_use WHERE subnet_id = NEW.subnet_id);
  UPDATE address_use SET used = used + 1 WHERE subnet_id = NEW.subnet_id;
END;
CREATE TRIGGER address_use_gone AFTER DELETE ON subnets
BEGIN
  DELETE FROM address_use WHERE subnet_id = OLD.id AND used = 0;
END;
INSERT INTO zone_use (cloud_id, zone, servers, vcpus, ram_mib, disk_gib)
  SELECT cloud_id, zone, count(*), sum(flavor ->> '$.vcpus'), sum(flavor ->> '$.ramMib'), sum(flavor ->> '$.diskGib')
  FROM servers WHERE deleted_at IS NULL AND cloud_id IS NOT NULL AND zone IS NOT NULL GROUP BY cloud_id, zone;
CREATE TRIGGER zone_use_more AFTER INSERT ON servers
WHEN NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL AND NEW.zone IS NOT NULL
BEGIN
  INSERT INTO zone_use (cloud_id, zone, servers, vcpus, ram_mib, disk_gib)
    SELECT NEW.cloud_id, NEW.zone, 0, 0, 0, 0
    WHERE NOT EXISTS (SELECT 1 FROM zone_use WHERE cloud_id = NEW.cloud_id AND zone = NEW.zone);
  UPDATE zone_use SET servers = servers + 1, vcpus = vcpus + (NEW.flavor ->> '$.vcpus'),
    ram_mib = ram_mib + (NEW.flavor ->> '$.ramMib'), disk_gib = disk_gib + (NEW.flavor ->> '$.diskGib')
    WHERE cloud_id = NEW.cloud_id AND zone = NEW.zone;
END;
CREATE TRIGGER zone_use_less AFTER DELETE ON servers
WHEN OLD.deleted_at IS NULL AND OLD.cloud_id IS NOT NULL AND OLD.zone IS NOT NULL
BEGIN
  UPDATE zone_use SET servers = servers - 1, vcpus = vcpus - (OLD.flavor ->> '$.vcpus'),
    ram_mib = ram_mib - (OLD.flavor ->> '$.ramMib'), disk_gib = disk_gib - (OLD.flavor ->> '$.diskGib')
    WHERE cloud_id = OLD.cloud_id AND zone = OLD.zone;
END;
CREATE TRIGGER zone_use_left AFTER UPDATE OF cloud_id, zone, flavor, deleted_at ON servers
WHEN OLD.deleted_at IS NULL AND OLD.cloud_id IS NOT NULL AND OLD.zone IS NOT NULL
BEGIN
  UPDATE zone_use SET servers = servers - 1, vcpus = vcpus - (OLD.flavor ->> '$.vcpus'),
    ram_mib = ram_mib - (OLD.flavor ->> '$.ramMib'), disk_gib = disk_gib - (OLD.flavor ->> '$.diskGib')
    WHERE cloud_id = OLD.cloud_id AND zone = OLD.zone;
END;
CREATE TRIGGER zone_use_entered AFTER UPDATE OF cloud_id, zone, flavor, deleted_at ON servers
WHEN NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL AND NEW.zone IS NOT NULL
BEGIN
  INSERT INTO zone_use (cloud_id, zone, servers, vcpus, ram_mib, disk_gib)
    SELECT NEW.cloud_id, NEW.zone, 0, 0, 0, 0
    WHERE NOT EXISTS (SELECT 1 FROM zone_use WHERE cloud_id = NEW.cloud_id AND zone = NEW.zone);
  UPDATE zone_use SET servers = servers + 1, vcpus = vcpus + (NEW.flavor ->> '$.vcpus'),
    ram_mib = ram_mib + (NEW.flavor ->> '$.ramMib'), disk_gib = disk_gib + (NEW.flavor ->> '$.diskGib')
    WHERE cloud_id = NEW.cloud_id AND zone = NEW.zone;
END;
