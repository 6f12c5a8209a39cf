ALTER TABLE `costs` ADD `kind` text DEFAULT 'server' NOT NULL;
ALTER TABLE `meters` ADD `kind` text DEFAULT 'server' NOT NULL;

-- What volumes cost is counted where their rows are written, as with servers. What is there already costs from now on.
INSERT INTO meters (kind, server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at)
    SELECT 'volume', v.id, v.project_id, v.cloud_id, coalesce(v.zone, ''), v.volume_type, 'on-demand', (SELECT cast(round(v.size_gib * (b.book ->> '$.parts.disk_gib') * r.rate) as integer) FROM price_books b JOIN rates r ON r.currency = b.book ->> 'currency' WHERE b.cloud_id = v.cloud_id AND b.book ->> '$.parts.disk_gib' > 0), 'running',
      CASE WHEN v.status NOT IN ('creating', 'error') THEN unixepoch() * 1000 END, CASE WHEN v.status NOT IN ('creating', 'error') THEN unixepoch() * 1000 END, NULL, coalesce((SELECT cast(round(v.size_gib * (b.book ->> '$.parts.disk_gib') * r.rate) as integer) FROM price_books b JOIN rates r ON r.currency = b.book ->> 'currency' WHERE b.cloud_id = v.cloud_id AND b.book ->> '$.parts.disk_gib' > 0), 0), unixepoch() * 1000 + 3600000
    FROM volumes v WHERE v.deleted_at IS NULL AND v.cloud_id IS NOT NULL;
CREATE TRIGGER disks_begin AFTER INSERT ON volumes
WHEN NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL
BEGIN
  INSERT INTO meters (kind, server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at)
    SELECT 'volume', v.id, v.project_id, v.cloud_id, coalesce(v.zone, ''), v.volume_type, 'on-demand', (SELECT cast(round(v.size_gib * (b.book ->> '$.parts.disk_gib') * r.rate) as integer) FROM price_books b JOIN rates r ON r.currency = b.book ->> 'currency' WHERE b.cloud_id = v.cloud_id AND b.book ->> '$.parts.disk_gib' > 0), 'running',
      CASE WHEN v.status NOT IN ('creating', 'error') THEN v.created_at END, CASE WHEN v.status NOT IN ('creating', 'error') THEN v.created_at END, NULL, coalesce((SELECT cast(round(v.size_gib * (b.book ->> '$.parts.disk_gib') * r.rate) as integer) FROM price_books b JOIN rates r ON r.currency = b.book ->> 'currency' WHERE b.cloud_id = v.cloud_id AND b.book ->> '$.parts.disk_gib' > 0), 0), v.created_at + 3600000
    FROM volumes v WHERE v.id = NEW.id AND NOT EXISTS (SELECT 1 FROM meters m WHERE m.server_id = NEW.id AND m.ended_at IS NULL);
END;
CREATE TRIGGER disks_there AFTER UPDATE OF status ON volumes
WHEN OLD.status IN ('creating', 'error') AND NEW.status NOT IN ('creating', 'error')
BEGIN
  UPDATE meters SET started_at = NEW.updated_at, settled_at = NEW.updated_at
    WHERE server_id = NEW.id AND ended_at IS NULL AND started_at IS NULL;
END;
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
      CASE WHEN v.status NOT IN ('creating', 'error') THEN v.updated_at END, CASE WHEN v.status NOT IN ('creating', 'error') THEN v.updated_at END, NULL, coalesce((SELECT cast(round(v.size_gib * (b.book ->> '$.parts.disk_gib') * r.rate) as integer) FROM price_books b JOIN rates r ON r.currency = b.book ->> 'currency' WHERE b.cloud_id = v.cloud_id AND b.book ->> '$.parts.disk_gib' > 0), 0), v.updated_at + 3600000
    FROM volumes v WHERE v.id = NEW.id AND v.deleted_at IS NULL AND v.cloud_id IS NOT NULL;
END;
CREATE TRIGGER disks_gone AFTER DELETE ON volumes
BEGIN
  -- The next settlement ends it: the volume is not there.
  UPDATE meters SET due_at = 0 WHERE server_id = OLD.id AND ended_at IS NULL;
END;
