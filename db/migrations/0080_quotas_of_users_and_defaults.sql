CREATE TABLE `quota_defaults` (
	`resource` text PRIMARY KEY NOT NULL,
	`maximum` integer NOT NULL
);

CREATE TABLE `user_quotas` (
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`resource` text NOT NULL,
	`maximum` integer NOT NULL,
	PRIMARY KEY(`project_id`, `user_id`, `resource`)
);

CREATE INDEX `user_quotas_by_user` ON `user_quotas` (`user_id`);
CREATE TABLE `user_use` (
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`servers` integer NOT NULL,
	`vcpus` integer NOT NULL,
	`ram_mib` integer NOT NULL,
	`disk_gib` integer NOT NULL,
	`server_groups` integer NOT NULL,
	PRIMARY KEY(`project_id`, `user_id`)
);

ALTER TABLE `quotas` ADD `given` integer DEFAULT false NOT NULL;
CREATE INDEX `server_actions_moving` ON `server_actions` (`id`) WHERE action IN ('resize', 'homecoming');
-- What a row has that is not what the program said until now, somebody said.
UPDATE quotas SET given = 1 WHERE maximum <> coalesce(
  '{"instances":100,"cores":400,"ram":1048576,"key_pairs":100,"metadata_items":128,"server_groups":10,"server_group_members":10,"injected_files":5,"injected_file_content_bytes":10240,"injected_file_path_bytes":255,"volumes":100,"snapshots":100,"gigabytes":10000,"backups":10,"backup_gigabytes":1000,"groups":10,"per_volume_gigabytes":-1,"network":100,"subnet":100,"port":500,"router":50,"floatingip":50,"security_group":100,"security_group_rule":500,"subnetpool":50,"address_scope":50,"image_size_total":1048576,"image_stage_total":1048576,"image_count_total":100,"image_count_uploading":20,"webhooks":10}' ->> resource, -1);
DROP TRIGGER quotas_refuse_insert;
DROP TRIGGER quotas_refuse_update;
CREATE TRIGGER quotas_refuse_insert BEFORE INSERT ON quotas
WHEN (NEW.used < 0 OR (NEW.used > 0 AND iif(NEW.given, NEW.maximum, coalesce((SELECT maximum FROM quota_defaults WHERE resource = NEW.resource), NEW.maximum))
    BETWEEN 0 AND NEW.used - 1))
  -- an upsert fires this before it turns into an update; the update has its own trigger
  AND NOT EXISTS (SELECT 1 FROM quotas WHERE project_id = NEW.project_id AND resource = NEW.resource)
BEGIN
  SELECT RAISE(ABORT, 'refused:quota:' || NEW.resource);
END;
CREATE TRIGGER quotas_refuse_update BEFORE UPDATE OF used ON quotas
WHEN NEW.used < 0 OR (NEW.used > OLD.used AND iif(NEW.given, NEW.maximum, coalesce((SELECT maximum FROM quota_defaults WHERE resource = NEW.resource), NEW.maximum))
  BETWEEN 0 AND NEW.used - 1)
BEGIN
  SELECT RAISE(ABORT, 'refused:quota:' || NEW.resource);
END;
INSERT INTO user_use (project_id, user_id, servers, vcpus, ram_mib, disk_gib, server_groups)
  SELECT project_id, user_id, sum(servers), sum(vcpus), sum(ram_mib), sum(disk_gib), sum(server_groups) FROM (
    SELECT project_id, user_id, count(*) AS servers, sum(flavor ->> '$.vcpus') AS vcpus, sum(flavor ->> '$.ramMib') AS ram_mib, sum(flavor ->> '$.diskGib') AS disk_gib, 0 AS server_groups
      FROM servers WHERE deleted_at IS NULL GROUP BY project_id, user_id
    UNION ALL SELECT project_id, user_id, 0, 0, 0, 0, count(*) FROM server_groups GROUP BY project_id, user_id)
  GROUP BY project_id, user_id;
CREATE TRIGGER user_use_more AFTER INSERT ON servers
WHEN NEW.deleted_at IS NULL
BEGIN
  INSERT INTO user_use (project_id, user_id, servers, vcpus, ram_mib, disk_gib, server_groups)
    SELECT NEW.project_id, NEW.user_id, 0, 0, 0, 0, 0
    WHERE NOT EXISTS (SELECT 1 FROM user_use WHERE project_id = NEW.project_id AND user_id = NEW.user_id);
  UPDATE user_use SET servers = servers + 1, vcpus = vcpus + (NEW.flavor ->> '$.vcpus'), ram_mib = ram_mib + (NEW.flavor ->> '$.ramMib'),
    disk_gib = disk_gib + (NEW.flavor ->> '$.diskGib')
    WHERE project_id = NEW.project_id AND user_id = NEW.user_id;
END;
CREATE TRIGGER user_use_less AFTER DELETE ON servers
WHEN OLD.deleted_at IS NULL
BEGIN
  UPDATE user_use SET servers = servers - 1, vcpus = vcpus - (OLD.flavor ->> '$.vcpus'), ram_mib = ram_mib - (OLD.flavor ->> '$.ramMib'),
    disk_gib = disk_gib - (OLD.flavor ->> '$.diskGib')
    WHERE project_id = OLD.project_id AND user_id = OLD.user_id;
END;
CREATE TRIGGER user_use_left AFTER UPDATE OF flavor, deleted_at, project_id, user_id ON servers
WHEN OLD.deleted_at IS NULL
BEGIN
  UPDATE user_use SET servers = servers - 1, vcpus = vcpus - (OLD.flavor ->> '$.vcpus'), ram_mib = ram_mib - (OLD.flavor ->> '$.ramMib'),
    disk_gib = disk_gib - (OLD.flavor ->> '$.diskGib')
    WHERE project_id = OLD.project_id AND user_id = OLD.user_id;
END;
CREATE TRIGGER user_use_entered AFTER UPDATE OF flavor, deleted_at, project_id, user_id ON servers
WHEN NEW.deleted_at IS NULL
BEGIN
  INSERT INTO user_use (project_id, user_id, servers, vcpus, ram_mib, disk_gib, server_groups)
    SELECT NEW.project_id, NEW.user_id, 0, 0, 0, 0, 0
    WHERE NOT EXISTS (SELECT 1 FROM user_use WHERE project_id = NEW.project_id AND user_id = NEW.user_id);
  UPDATE user_use SET servers = servers + 1, vcpus = vcpus + (NEW.flavor ->> '$.vcpus'), ram_mib = ram_mib + (NEW.flavor ->> '$.ramMib'),
    disk_gib = disk_gib + (NEW.flavor ->> '$.diskGib')
    WHERE project_id = NEW.project_id AND user_id = NEW.user_id;
END;
CREATE TRIGGER user_use_group_more AFTER INSERT ON server_groups
BEGIN
  INSERT INTO user_use (project_id, user_id, servers, vcpus, ram_mib, disk_gib, server_groups)
    SELECT NEW.project_id, NEW.user_id, 0, 0, 0, 0, 0
    WHERE NOT EXISTS (SELECT 1 FROM user_use WHERE project_id = NEW.project_id AND user_id = NEW.user_id);
  UPDATE user_use SET server_groups = server_groups + 1 WHERE project_id = NEW.project_id AND user_id = NEW.user_id;
END;
CREATE TRIGGER user_use_group_less AFTER DELETE ON server_groups
BEGIN
  UPDATE user_use SET server_groups = server_groups - 1 WHERE project_id = OLD.project_id AND user_id = OLD.user_id;
END;
