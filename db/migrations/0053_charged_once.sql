-- What is charged begins where the last charge ended: a clock that was set back is charged once.
DROP TRIGGER meters_change;
CREATE TRIGGER meters_change AFTER UPDATE OF project_id, cloud_id, zone, places, launched_at, vm_state, deleted_at ON servers
WHEN OLD.project_id <> NEW.project_id OR OLD.cloud_id IS NOT NEW.cloud_id OR OLD.zone IS NOT NEW.zone OR OLD.places IS NOT NEW.places
  OR OLD.launched_at IS NOT NEW.launched_at OR OLD.deleted_at IS NOT NEW.deleted_at OR (OLD.vm_state = 'stopped') <> (NEW.vm_state = 'stopped')
BEGIN
  UPDATE meters SET started_at = max(NEW.launched_at, coalesce((SELECT max(coalesce(m.ended_at, m.settled_at)) FROM meters m WHERE m.server_id = NEW.id AND (m.beside = 0 OR m.cloud_id = NEW.cloud_id)), 0)), settled_at = max(NEW.launched_at, coalesce((SELECT max(coalesce(m.ended_at, m.settled_at)) FROM meters m WHERE m.server_id = NEW.id AND (m.beside = 0 OR m.cloud_id = NEW.cloud_id)), 0))
    WHERE server_id = NEW.id AND beside = 0 AND ended_at IS NULL AND started_at IS NULL AND NEW.launched_at IS NOT NULL;
  DELETE FROM meters WHERE server_id = NEW.id AND beside = 0 AND ended_at IS NULL AND started_at IS NULL AND NOT EXISTS (SELECT 1 FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.project_id = meters.project_id AND s.cloud_id = meters.cloud_id
      AND coalesce(s.zone, '') = meters.zone AND coalesce(s.places ->> '$.at.native', '') = meters.size
      AND coalesce(s.places ->> '$.at.option', 'on-demand') = meters.option AND CASE WHEN s.vm_state = 'stopped' THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END IS meters.hourly AND CASE s.vm_state WHEN 'stopped' THEN 'stopped' ELSE 'running' END = meters.state);
  -- What is not settled yet stays kept for it.
  UPDATE meters SET ended_at = max(settled_at, coalesce(NEW.terminated_at, NEW.deleted_at, NEW.updated_at)), due_at = 0,
      reserved = (coalesce(hourly, 0) * max(0, coalesce(NEW.terminated_at, NEW.deleted_at, NEW.updated_at) - settled_at) + 3599999) / 3600000
    WHERE server_id = NEW.id AND beside = 0 AND ended_at IS NULL AND started_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.project_id = meters.project_id AND s.cloud_id = meters.cloud_id
      AND coalesce(s.zone, '') = meters.zone AND coalesce(s.places ->> '$.at.native', '') = meters.size
      AND coalesce(s.places ->> '$.at.option', 'on-demand') = meters.option AND CASE WHEN s.vm_state = 'stopped' THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END IS meters.hourly AND CASE s.vm_state WHEN 'stopped' THEN 'stopped' ELSE 'running' END = meters.state);
  INSERT INTO meters (server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at)
    SELECT s.id, s.project_id, s.cloud_id, coalesce(s.zone, ''), coalesce(s.places ->> '$.at.native', ''), coalesce(s.places ->> '$.at.option', 'on-demand'),
      CASE WHEN s.vm_state = 'stopped' THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END, CASE s.vm_state WHEN 'stopped' THEN 'stopped' ELSE 'running' END, CASE WHEN s.launched_at IS NOT NULL THEN max(s.updated_at, coalesce((SELECT max(coalesce(m.ended_at, m.settled_at)) FROM meters m WHERE m.server_id = s.id AND (m.beside = 0 OR m.cloud_id = s.cloud_id)), 0)) END, CASE WHEN s.launched_at IS NOT NULL THEN max(s.updated_at, coalesce((SELECT max(coalesce(m.ended_at, m.settled_at)) FROM meters m WHERE m.server_id = s.id AND (m.beside = 0 OR m.cloud_id = s.cloud_id)), 0)) END, NULL,
      (coalesce(s.places ->> '$.at.hourly', 0) * min(3600000, max(60000, coalesce(s.lease_ends_at - s.updated_at, 3600000))) + 3599999) / 3600000,
      s.updated_at + min(3600000, max(60000, coalesce(s.lease_ends_at - s.updated_at, 3600000)))
    FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.cloud_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM meters m WHERE m.server_id = NEW.id AND m.ended_at IS NULL AND m.beside = 0);
END;
DROP TRIGGER disks_change;
CREATE TRIGGER disks_change AFTER UPDATE OF project_id, cloud_id, zone, volume_type, size_gib, deleted_at ON volumes
WHEN OLD.project_id <> NEW.project_id OR OLD.cloud_id IS NOT NEW.cloud_id OR OLD.zone IS NOT NEW.zone OR OLD.volume_type <> NEW.volume_type
  OR OLD.size_gib <> NEW.size_gib OR OLD.deleted_at IS NOT NEW.deleted_at
BEGIN
  DELETE FROM meters WHERE server_id = NEW.id AND ended_at IS NULL AND started_at IS NULL;
  UPDATE meters SET ended_at = max(settled_at, coalesce(NEW.deleted_at, NEW.updated_at)), due_at = 0,
      reserved = (coalesce(hourly, 0) * max(0, coalesce(NEW.deleted_at, NEW.updated_at) - settled_at) + 3599999) / 3600000
    WHERE server_id = NEW.id AND ended_at IS NULL;
  INSERT INTO meters (kind, server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at)
    SELECT 'volume', v.id, v.project_id, v.cloud_id, coalesce(v.zone, ''), v.volume_type, 'on-demand', (SELECT cast(round(v.size_gib * (b.book ->> '$.parts.disk_gib') * r.rate) as integer) FROM price_books b JOIN rates r ON r.currency = b.book ->> 'currency' WHERE b.cloud_id = v.cloud_id AND b.book ->> '$.parts.disk_gib' > 0), 'running',
      CASE WHEN v.status NOT IN ('creating', 'error') THEN max(v.updated_at, coalesce((SELECT max(m.ended_at) FROM meters m WHERE m.server_id = v.id), 0)) END, CASE WHEN v.status NOT IN ('creating', 'error') THEN max(v.updated_at, coalesce((SELECT max(m.ended_at) FROM meters m WHERE m.server_id = v.id), 0)) END, NULL, coalesce((SELECT cast(round(v.size_gib * (b.book ->> '$.parts.disk_gib') * r.rate) as integer) FROM price_books b JOIN rates r ON r.currency = b.book ->> 'currency' WHERE b.cloud_id = v.cloud_id AND b.book ->> '$.parts.disk_gib' > 0), 0), v.updated_at + 3600000
    FROM volumes v WHERE v.id = NEW.id AND v.deleted_at IS NULL AND v.cloud_id IS NOT NULL;
END;
DROP TRIGGER moves_metered;
CREATE TRIGGER moves_metered AFTER UPDATE OF cloud_id, place, hourly ON server_moves
WHEN OLD.cloud_id IS NOT NEW.cloud_id OR OLD.place IS NOT NEW.place OR OLD.hourly IS NOT NEW.hourly
BEGIN
  DELETE FROM meters WHERE server_id = OLD.server_id AND beside = 1 AND ended_at IS NULL AND started_at IS NULL;
  -- What is not settled yet stays kept for it.
  UPDATE meters SET ended_at = max(settled_at, NEW.updated_at), due_at = 0,
      reserved = (coalesce(hourly, 0) * max(0, NEW.updated_at - settled_at) + 3599999) / 3600000
    WHERE server_id = OLD.server_id AND beside = 1 AND ended_at IS NULL;
  INSERT INTO meters (server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at, beside)
    SELECT NEW.server_id, NEW.project_id, NEW.cloud_id, coalesce(NEW.place ->> '$.zone', ''), coalesce(NEW.place ->> '$.native', ''),
      coalesce(NEW.place ->> '$.option', 'on-demand'), NEW.hourly, 'running', CASE WHEN NEW.runs_at IS NOT NULL THEN max(NEW.updated_at, coalesce((SELECT max(coalesce(m.ended_at, m.settled_at)) FROM meters m WHERE m.server_id = NEW.server_id AND m.cloud_id = NEW.cloud_id), 0)) END,
      CASE WHEN NEW.runs_at IS NOT NULL THEN max(NEW.updated_at, coalesce((SELECT max(coalesce(m.ended_at, m.settled_at)) FROM meters m WHERE m.server_id = NEW.server_id AND m.cloud_id = NEW.cloud_id), 0)) END, NULL, coalesce(NEW.hourly, 0), NEW.updated_at + 3600000, 1
    WHERE NEW.cloud_id IS NOT NULL;
END;
