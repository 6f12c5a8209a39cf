-- While a resize can go both ways a user has the larger of both, as his project has.
UPDATE servers SET places = json_set(places, '$.to.flavor', (SELECT json(a.args -> '$.flavor') FROM server_actions a
    WHERE a.server_id = servers.id AND a.action = 'resize' AND a.finished_at IS NULL LIMIT 1))
  WHERE deleted_at IS NULL AND places -> '$.to' IS NOT NULL
    AND EXISTS (SELECT 1 FROM server_actions a WHERE a.server_id = servers.id AND a.action = 'resize' AND a.finished_at IS NULL);
DROP TRIGGER user_use_more;
DROP TRIGGER user_use_less;
DROP TRIGGER user_use_left;
DROP TRIGGER user_use_entered;
UPDATE user_use SET servers = 0, vcpus = 0, ram_mib = 0, disk_gib = 0;
INSERT INTO user_use (project_id, user_id, servers, vcpus, ram_mib, disk_gib, server_groups)
  SELECT project_id, user_id, count(*), sum(max(servers.flavor ->> '$.vcpus', coalesce(servers.old_flavor ->> '$.vcpus', 0), coalesce(servers.places ->> '$.to.flavor.vcpus', 0))), sum(max(servers.flavor ->> '$.ramMib', coalesce(servers.old_flavor ->> '$.ramMib', 0), coalesce(servers.places ->> '$.to.flavor.ramMib', 0))), sum(max(servers.flavor ->> '$.diskGib', coalesce(servers.old_flavor ->> '$.diskGib', 0), coalesce(servers.places ->> '$.to.flavor.diskGib', 0))), 0
  FROM servers WHERE deleted_at IS NULL GROUP BY project_id, user_id
  ON CONFLICT (project_id, user_id) DO UPDATE SET servers = excluded.servers, vcpus = excluded.vcpus, ram_mib = excluded.ram_mib, disk_gib = excluded.disk_gib;
CREATE TRIGGER user_use_more AFTER INSERT ON servers
WHEN NEW.deleted_at IS NULL
BEGIN
  INSERT INTO user_use (project_id, user_id, servers, vcpus, ram_mib, disk_gib, server_groups)
    SELECT NEW.project_id, NEW.user_id, 0, 0, 0, 0, 0
    WHERE NOT EXISTS (SELECT 1 FROM user_use WHERE project_id = NEW.project_id AND user_id = NEW.user_id);
  UPDATE user_use SET servers = servers + 1,
    vcpus = vcpus + max(NEW.flavor ->> '$.vcpus', coalesce(NEW.old_flavor ->> '$.vcpus', 0), coalesce(NEW.places ->> '$.to.flavor.vcpus', 0)),
    ram_mib = ram_mib + max(NEW.flavor ->> '$.ramMib', coalesce(NEW.old_flavor ->> '$.ramMib', 0), coalesce(NEW.places ->> '$.to.flavor.ramMib', 0)),
    disk_gib = disk_gib + max(NEW.flavor ->> '$.diskGib', coalesce(NEW.old_flavor ->> '$.diskGib', 0), coalesce(NEW.places ->> '$.to.flavor.diskGib', 0))
    WHERE project_id = NEW.project_id AND user_id = NEW.user_id;
END;
CREATE TRIGGER user_use_less AFTER DELETE ON servers
WHEN OLD.deleted_at IS NULL
BEGIN
  UPDATE user_use SET servers = servers - 1,
    vcpus = vcpus - max(OLD.flavor ->> '$.vcpus', coalesce(OLD.old_flavor ->> '$.vcpus', 0), coalesce(OLD.places ->> '$.to.flavor.vcpus', 0)),
    ram_mib = ram_mib - max(OLD.flavor ->> '$.ramMib', coalesce(OLD.old_flavor ->> '$.ramMib', 0), coalesce(OLD.places ->> '$.to.flavor.ramMib', 0)),
    disk_gib = disk_gib - max(OLD.flavor ->> '$.diskGib', coalesce(OLD.old_flavor ->> '$.diskGib', 0), coalesce(OLD.places ->> '$.to.flavor.diskGib', 0))
    WHERE project_id = OLD.project_id AND user_id = OLD.user_id;
END;
CREATE TRIGGER user_use_left AFTER UPDATE OF flavor, old_flavor, places, deleted_at, project_id, user_id ON servers
WHEN OLD.deleted_at IS NULL AND (OLD.project_id <> NEW.project_id OR OLD.user_id <> NEW.user_id OR OLD.deleted_at IS NOT NEW.deleted_at OR OLD.flavor <> NEW.flavor
  OR OLD.old_flavor IS NOT NEW.old_flavor OR OLD.places -> '$.to' IS NOT NEW.places -> '$.to')
BEGIN
  UPDATE user_use SET servers = servers - 1,
    vcpus = vcpus - max(OLD.flavor ->> '$.vcpus', coalesce(OLD.old_flavor ->> '$.vcpus', 0), coalesce(OLD.places ->> '$.to.flavor.vcpus', 0)),
    ram_mib = ram_mib - max(OLD.flavor ->> '$.ramMib', coalesce(OLD.old_flavor ->> '$.ramMib', 0), coalesce(OLD.places ->> '$.to.flavor.ramMib', 0)),
    disk_gib = disk_gib - max(OLD.flavor ->> '$.diskGib', coalesce(OLD.old_flavor ->> '$.diskGib', 0), coalesce(OLD.places ->> '$.to.flavor.diskGib', 0))
    WHERE project_id = OLD.project_id AND user_id = OLD.user_id;
END;
CREATE TRIGGER user_use_entered AFTER UPDATE OF flavor, old_flavor, places, deleted_at, project_id, user_id ON servers
WHEN NEW.deleted_at IS NULL AND (OLD.project_id <> NEW.project_id OR OLD.user_id <> NEW.user_id OR OLD.deleted_at IS NOT NEW.deleted_at OR OLD.flavor <> NEW.flavor
  OR OLD.old_flavor IS NOT NEW.old_flavor OR OLD.places -> '$.to' IS NOT NEW.places -> '$.to')
BEGIN
  INSERT INTO user_use (project_id, user_id, servers, vcpus, ram_mib, disk_gib, server_groups)
    SELECT NEW.project_id, NEW.user_id, 0, 0, 0, 0, 0
    WHERE NOT EXISTS (SELECT 1 FROM user_use WHERE project_id = NEW.project_id AND user_id = NEW.user_id);
  UPDATE user_use SET servers = servers + 1,
    vcpus = vcpus + max(NEW.flavor ->> '$.vcpus', coalesce(NEW.old_flavor ->> '$.vcpus', 0), coalesce(NEW.places ->> '$.to.flavor.vcpus', 0)),
    ram_mib = ram_mib + max(NEW.flavor ->> '$.ramMib', coalesce(NEW.old_flavor ->> '$.ramMib', 0), coalesce(NEW.places ->> '$.to.flavor.ramMib', 0)),
    disk_gib = disk_gib + max(NEW.flavor ->> '$.diskGib', coalesce(NEW.old_flavor ->> '$.diskGib', 0), coalesce(NEW.places ->> '$.to.flavor.diskGib', 0))
    WHERE project_id = NEW.project_id AND user_id = NEW.user_id;
END;
