ALTER TABLE `prices` ADD `idle` integer;

-- What is stopped may start at any time: a whole hour is kept for it, and what it costs is charged.
DROP TRIGGER meters_begin;
CREATE TRIGGER meters_begin AFTER INSERT ON servers
WHEN NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL
BEGIN
  INSERT INTO meters (server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at)
    SELECT s.id, s.project_id, s.cloud_id, coalesce(s.zone, ''), coalesce(s.places ->> '$.at.native', ''), coalesce(s.places ->> '$.at.option', 'on-demand'),
      CASE WHEN s.vm_state = 'stopped' THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END, CASE s.vm_state WHEN 'stopped' THEN 'stopped' ELSE 'running' END, s.launched_at, s.launched_at, NULL,
      (coalesce(s.places ->> '$.at.hourly', 0) * min(3600000, max(60000, coalesce(s.lease_ends_at - s.created_at, 3600000))) + 3599999) / 3600000,
      s.created_at + min(3600000, max(60000, coalesce(s.lease_ends_at - s.created_at, 3600000)))
    FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.cloud_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM meters m WHERE m.server_id = NEW.id AND m.ended_at IS NULL);
END;
DROP TRIGGER meters_change;
CREATE TRIGGER meters_change AFTER UPDATE OF project_id, cloud_id, zone, places, launched_at, vm_state, deleted_at ON servers
WHEN OLD.project_id <> NEW.project_id OR OLD.cloud_id IS NOT NEW.cloud_id OR OLD.zone IS NOT NEW.zone OR OLD.places IS NOT NEW.places
  OR OLD.launched_at IS NOT NEW.launched_at OR OLD.deleted_at IS NOT NEW.deleted_at OR (OLD.vm_state = 'stopped') <> (NEW.vm_state = 'stopped')
BEGIN
  UPDATE meters SET started_at = NEW.launched_at, settled_at = NEW.launched_at
    WHERE server_id = NEW.id AND ended_at IS NULL AND started_at IS NULL AND NEW.launched_at IS NOT NULL;
  DELETE FROM meters WHERE server_id = NEW.id AND ended_at IS NULL AND started_at IS NULL AND NOT EXISTS (SELECT 1 FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.project_id = meters.project_id AND s.cloud_id = meters.cloud_id
      AND coalesce(s.zone, '') = meters.zone AND coalesce(s.places ->> '$.at.native', '') = meters.size
      AND coalesce(s.places ->> '$.at.option', 'on-demand') = meters.option AND CASE WHEN s.vm_state = 'stopped' THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END IS meters.hourly AND CASE s.vm_state WHEN 'stopped' THEN 'stopped' ELSE 'running' END = meters.state);
  -- What is not settled yet stays kept for it.
  UPDATE meters SET ended_at = max(settled_at, coalesce(NEW.terminated_at, NEW.deleted_at, NEW.updated_at)), due_at = 0,
      reserved = (coalesce(hourly, 0) * max(0, coalesce(NEW.terminated_at, NEW.deleted_at, NEW.updated_at) - settled_at) + 3599999) / 3600000
    WHERE server_id = NEW.id AND ended_at IS NULL AND started_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.project_id = meters.project_id AND s.cloud_id = meters.cloud_id
      AND coalesce(s.zone, '') = meters.zone AND coalesce(s.places ->> '$.at.native', '') = meters.size
      AND coalesce(s.places ->> '$.at.option', 'on-demand') = meters.option AND CASE WHEN s.vm_state = 'stopped' THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END IS meters.hourly AND CASE s.vm_state WHEN 'stopped' THEN 'stopped' ELSE 'running' END = meters.state);
  INSERT INTO meters (server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at)
    SELECT s.id, s.project_id, s.cloud_id, coalesce(s.zone, ''), coalesce(s.places ->> '$.at.native', ''), coalesce(s.places ->> '$.at.option', 'on-demand'),
      CASE WHEN s.vm_state = 'stopped' THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END, CASE s.vm_state WHEN 'stopped' THEN 'stopped' ELSE 'running' END, CASE WHEN s.launched_at IS NULL THEN NULL ELSE s.updated_at END, CASE WHEN s.launched_at IS NULL THEN NULL ELSE s.updated_at END, NULL,
      (coalesce(s.places ->> '$.at.hourly', 0) * min(3600000, max(60000, coalesce(s.lease_ends_at - s.updated_at, 3600000))) + 3599999) / 3600000,
      s.updated_at + min(3600000, max(60000, coalesce(s.lease_ends_at - s.updated_at, 3600000)))
    FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.cloud_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM meters m WHERE m.server_id = NEW.id AND m.ended_at IS NULL);
END;
