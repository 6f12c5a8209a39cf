-- The other machine of a member is paid for by its burst, too, for as long as the row names its cloud.
UPDATE burst_use SET hourly = hourly + coalesce((SELECT sum(m.hourly) FROM server_moves m JOIN burst_members b ON b.server_id = m.server_id
  WHERE b.burst_id = burst_use.burst_id AND m.cloud_id IS NOT NULL), 0);
CREATE TRIGGER burst_beside_more AFTER INSERT ON server_moves
WHEN NEW.cloud_id IS NOT NULL
BEGIN
  UPDATE burst_use SET hourly = hourly + coalesce(NEW.hourly, 0)
    WHERE burst_id = (SELECT burst_id FROM burst_members WHERE server_id = NEW.server_id);
END;
CREATE TRIGGER burst_beside_changed AFTER UPDATE OF cloud_id, hourly ON server_moves
WHEN OLD.cloud_id IS NOT NEW.cloud_id OR OLD.hourly IS NOT NEW.hourly
BEGIN
  UPDATE burst_use SET hourly = hourly
      + CASE WHEN NEW.cloud_id IS NULL THEN 0 ELSE coalesce(NEW.hourly, 0) END
      - CASE WHEN OLD.cloud_id IS NULL THEN 0 ELSE coalesce(OLD.hourly, 0) END
    WHERE burst_id = (SELECT burst_id FROM burst_members WHERE server_id = NEW.server_id);
END;
CREATE TRIGGER burst_beside_less AFTER DELETE ON server_moves
WHEN OLD.cloud_id IS NOT NULL
BEGIN
  UPDATE burst_use SET hourly = hourly - coalesce(OLD.hourly, 0)
    WHERE burst_id = (SELECT burst_id FROM burst_members WHERE server_id = OLD.server_id);
END;
-- Rows that are put back bring their meters along, as those of servers do.
DROP TRIGGER moves_begin;
CREATE TRIGGER moves_begin AFTER INSERT ON server_moves
WHEN NEW.cloud_id IS NOT NULL
BEGIN
  INSERT INTO cloud_use (cloud_id, project_id, servers, vcpus, ram_mib)
    SELECT NEW.cloud_id, p.id, 0, 0, 0 FROM (SELECT '' AS id UNION ALL SELECT NEW.project_id) p
    WHERE NOT EXISTS (SELECT 1 FROM cloud_use WHERE cloud_id = NEW.cloud_id AND project_id = p.id);
  INSERT INTO spend (project_id, hourly, reserved)
    SELECT NEW.project_id, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM spend WHERE project_id = NEW.project_id);
  UPDATE cloud_use SET servers = servers + 1, vcpus = vcpus + NEW.vcpus, ram_mib = ram_mib + NEW.ram_mib
    WHERE cloud_id = NEW.cloud_id AND project_id IN ('', NEW.project_id);
  UPDATE spend SET hourly = hourly + coalesce(NEW.hourly, 0) WHERE project_id = NEW.project_id;
  INSERT INTO meters (server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at, beside)
    SELECT NEW.server_id, NEW.project_id, NEW.cloud_id, coalesce(NEW.place ->> '$.zone', ''), coalesce(NEW.place ->> '$.native', ''),
      coalesce(NEW.place ->> '$.option', 'on-demand'), NEW.hourly, 'running', CASE WHEN NEW.runs_at IS NULL THEN NULL ELSE NEW.updated_at END,
      CASE WHEN NEW.runs_at IS NULL THEN NULL ELSE NEW.updated_at END, NULL, coalesce(NEW.hourly, 0), NEW.updated_at + 3600000, 1
    WHERE NOT EXISTS (SELECT 1 FROM meters m WHERE m.server_id = NEW.server_id AND m.ended_at IS NULL AND m.beside = 1);
END;
