CREATE INDEX `server_actions_rescuing` ON `server_actions` (`server_id`) WHERE action = 'rescue' AND state IN ('pending', 'calling');
-- A server that is shelved costs what a stopped one does.
DROP TRIGGER meters_change;
CREATE TRIGGER meters_change AFTER UPDATE OF project_id, cloud_id, zone, places, launched_at, vm_state, deleted_at ON servers
WHEN OLD.project_id <> NEW.project_id OR OLD.cloud_id IS NOT NEW.cloud_id OR OLD.zone IS NOT NEW.zone OR OLD.places IS NOT NEW.places
  OR OLD.launched_at IS NOT NEW.launched_at OR OLD.deleted_at IS NOT NEW.deleted_at OR (OLD.vm_state IN ('stopped', 'shelved_offloaded')) <> (NEW.vm_state IN ('stopped', 'shelved_offloaded'))
BEGIN
  UPDATE meters SET started_at = max(NEW.launched_at, coalesce((SELECT max(coalesce(m.ended_at, m.settled_at)) FROM meters m WHERE m.server_id = NEW.id AND (m.beside = 0 OR m.cloud_id = NEW.cloud_id)), 0)), settled_at = max(NEW.launched_at, coalesce((SELECT max(coalesce(m.ended_at, m.settled_at)) FROM meters m WHERE m.server_id = NEW.id AND (m.beside = 0 OR m.cloud_id = NEW.cloud_id)), 0))
    WHERE server_id = NEW.id AND beside = 0 AND ended_at IS NULL AND started_at IS NULL AND NEW.launched_at IS NOT NULL;
  DELETE FROM meters WHERE server_id = NEW.id AND beside = 0 AND ended_at IS NULL AND started_at IS NULL AND NOT EXISTS (SELECT 1 FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.project_id = meters.project_id AND s.cloud_id = meters.cloud_id
      AND coalesce(s.zone, '') = meters.zone AND coalesce(s.places ->> '$.at.native', '') = meters.size
      AND coalesce(s.places ->> '$.at.option', 'on-demand') = meters.option AND CASE WHEN s.vm_state IN ('stopped', 'shelved_offloaded') THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END IS meters.hourly AND CASE WHEN s.vm_state IN ('stopped', 'shelved_offloaded') THEN 'stopped' ELSE 'running' END = meters.state);
  -- What is not settled yet stays kept for it.
  UPDATE meters SET ended_at = max(settled_at, coalesce(NEW.terminated_at, NEW.deleted_at, NEW.updated_at)), due_at = 0,
      reserved = (coalesce(hourly, 0) * max(0, coalesce(NEW.terminated_at, NEW.deleted_at, NEW.updated_at) - settled_at) + 3599999) / 3600000
    WHERE server_id = NEW.id AND beside = 0 AND ended_at IS NULL AND started_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.project_id = meters.project_id AND s.cloud_id = meters.cloud_id
      AND coalesce(s.zone, '') = meters.zone AND coalesce(s.places ->> '$.at.native', '') = meters.size
      AND coalesce(s.places ->> '$.at.option', 'on-demand') = meters.option AND CASE WHEN s.vm_state IN ('stopped', 'shelved_offloaded') THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END IS meters.hourly AND CASE WHEN s.vm_state IN ('stopped', 'shelved_offloaded') THEN 'stopped' ELSE 'running' END = meters.state);
  INSERT INTO meters (server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at)
    SELECT s.id, s.project_id, s.cloud_id, coalesce(s.zone, ''), coalesce(s.places ->> '$.at.native', ''), coalesce(s.places ->> '$.at.option', 'on-demand'),
      CASE WHEN s.vm_state IN ('stopped', 'shelved_offloaded') THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END, CASE WHEN s.vm_state IN ('stopped', 'shelved_offloaded') THEN 'stopped' ELSE 'running' END, CASE WHEN s.launched_at IS NOT NULL THEN max(s.updated_at, coalesce((SELECT max(coalesce(m.ended_at, m.settled_at)) FROM meters m WHERE m.server_id = s.id AND (m.beside = 0 OR m.cloud_id = s.cloud_id)), 0)) END, CASE WHEN s.launched_at IS NOT NULL THEN max(s.updated_at, coalesce((SELECT max(coalesce(m.ended_at, m.settled_at)) FROM meters m WHERE m.server_id = s.id AND (m.beside = 0 OR m.cloud_id = s.cloud_id)), 0)) END, NULL,
      (coalesce(s.places ->> '$.at.hourly', 0) * min(3600000, max(60000, coalesce(s.lease_ends_at - s.updated_at, 3600000))) + 3599999) / 3600000,
      s.updated_at + min(3600000, max(60000, coalesce(s.lease_ends_at - s.updated_at, 3600000)))
    FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.cloud_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM meters m WHERE m.server_id = NEW.id AND m.ended_at IS NULL AND m.beside = 0);
END;
