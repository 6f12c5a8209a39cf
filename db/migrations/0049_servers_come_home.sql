CREATE TABLE `roomy_homes` (
	`project_id` text NOT NULL,
	`cloud_id` text NOT NULL,
	`since` integer NOT NULL,
	PRIMARY KEY(`project_id`, `cloud_id`)
);

CREATE TABLE `server_moves` (
	`server_id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`cancelled` integer DEFAULT false NOT NULL,
	`cloud_id` text,
	`place` text,
	`vcpus` integer DEFAULT 0 NOT NULL,
	`ram_mib` integer DEFAULT 0 NOT NULL,
	`hourly` integer,
	`filters` text,
	`seed` text,
	`report` text,
	`runs_at` integer,
	`ready_at` integer,
	`due_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);

CREATE INDEX `server_moves_due` ON `server_moves` (`due_at`) WHERE state <> 'staying';
CREATE INDEX `server_moves_by_report` ON `server_moves` (`report`) WHERE report IS NOT NULL;
CREATE INDEX `server_moves_under_way` ON `server_moves` (`project_id`) WHERE state <> 'staying';
ALTER TABLE `meters` ADD `beside` integer DEFAULT false NOT NULL;
CREATE INDEX `servers_movable` ON `servers` (`project_id`,`created_at`) WHERE deleted_at IS NULL AND spilled = 1 AND metadata ->> 'plimsoll:movable' = 'true';
-- Meters of the current machine are told apart from those of the other one.
DROP TRIGGER meters_begin;
DROP TRIGGER meters_change;
CREATE TRIGGER meters_begin AFTER INSERT ON servers
WHEN NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL
BEGIN
  INSERT INTO meters (server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at)
    SELECT s.id, s.project_id, s.cloud_id, coalesce(s.zone, ''), coalesce(s.places ->> '$.at.native', ''), coalesce(s.places ->> '$.at.option', 'on-demand'),
      CASE WHEN s.vm_state = 'stopped' THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END, CASE s.vm_state WHEN 'stopped' THEN 'stopped' ELSE 'running' END, s.launched_at, s.launched_at, NULL,
      (coalesce(s.places ->> '$.at.hourly', 0) * min(3600000, max(60000, coalesce(s.lease_ends_at - s.created_at, 3600000))) + 3599999) / 3600000,
      s.created_at + min(3600000, max(60000, coalesce(s.lease_ends_at - s.created_at, 3600000)))
    FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.cloud_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM meters m WHERE m.server_id = NEW.id AND m.ended_at IS NULL AND m.beside = 0);
END;
CREATE TRIGGER meters_change AFTER UPDATE OF project_id, cloud_id, zone, places, launched_at, vm_state, deleted_at ON servers
WHEN OLD.project_id <> NEW.project_id OR OLD.cloud_id IS NOT NEW.cloud_id OR OLD.zone IS NOT NEW.zone OR OLD.places IS NOT NEW.places
  OR OLD.launched_at IS NOT NEW.launched_at OR OLD.deleted_at IS NOT NEW.deleted_at OR (OLD.vm_state = 'stopped') <> (NEW.vm_state = 'stopped')
BEGIN
  UPDATE meters SET started_at = NEW.launched_at, settled_at = NEW.launched_at
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
      CASE WHEN s.vm_state = 'stopped' THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END, CASE s.vm_state WHEN 'stopped' THEN 'stopped' ELSE 'running' END, CASE WHEN s.launched_at IS NULL THEN NULL ELSE s.updated_at END, CASE WHEN s.launched_at IS NULL THEN NULL ELSE s.updated_at END, NULL,
      (coalesce(s.places ->> '$.at.hourly', 0) * min(3600000, max(60000, coalesce(s.lease_ends_at - s.updated_at, 3600000))) + 3599999) / 3600000,
      s.updated_at + min(3600000, max(60000, coalesce(s.lease_ends_at - s.updated_at, 3600000)))
    FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.cloud_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM meters m WHERE m.server_id = NEW.id AND m.ended_at IS NULL AND m.beside = 0);
END;
-- The other machine of a server is counted where its row is written, as the current one is.
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
    WHERE NEW.cloud_id IS NOT NULL;
END;
CREATE TRIGGER moves_left AFTER UPDATE OF cloud_id, place, vcpus, ram_mib, hourly ON server_moves
WHEN OLD.cloud_id IS NOT NULL
BEGIN
  UPDATE cloud_use SET servers = servers - 1, vcpus = vcpus - OLD.vcpus, ram_mib = ram_mib - OLD.ram_mib
    WHERE cloud_id = OLD.cloud_id AND project_id IN ('', OLD.project_id);
  UPDATE spend SET hourly = hourly - coalesce(OLD.hourly, 0) WHERE project_id = OLD.project_id;
END;
CREATE TRIGGER moves_entered AFTER UPDATE OF cloud_id, place, vcpus, ram_mib, hourly ON server_moves
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
END;
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
      coalesce(NEW.place ->> '$.option', 'on-demand'), NEW.hourly, 'running', CASE WHEN NEW.runs_at IS NULL THEN NULL ELSE NEW.updated_at END,
      CASE WHEN NEW.runs_at IS NULL THEN NULL ELSE NEW.updated_at END, NULL, coalesce(NEW.hourly, 0), NEW.updated_at + 3600000, 1
    WHERE NEW.cloud_id IS NOT NULL;
END;
CREATE TRIGGER moves_run AFTER UPDATE OF runs_at ON server_moves
WHEN OLD.runs_at IS NULL AND NEW.runs_at IS NOT NULL AND OLD.cloud_id IS NEW.cloud_id AND OLD.place IS NEW.place
BEGIN
  UPDATE meters SET started_at = NEW.runs_at, settled_at = NEW.runs_at
    WHERE server_id = NEW.server_id AND beside = 1 AND ended_at IS NULL AND started_at IS NULL;
END;
CREATE TRIGGER moves_end AFTER DELETE ON server_moves
WHEN OLD.cloud_id IS NOT NULL
BEGIN
  UPDATE cloud_use SET servers = servers - 1, vcpus = vcpus - OLD.vcpus, ram_mib = ram_mib - OLD.ram_mib
    WHERE cloud_id = OLD.cloud_id AND project_id IN ('', OLD.project_id);
  UPDATE spend SET hourly = hourly - coalesce(OLD.hourly, 0) WHERE project_id = OLD.project_id;
  DELETE FROM meters WHERE server_id = OLD.server_id AND beside = 1 AND ended_at IS NULL AND started_at IS NULL;
  -- What is not settled yet stays kept for it.
  UPDATE meters SET ended_at = max(settled_at, OLD.updated_at), due_at = 0,
      reserved = (coalesce(hourly, 0) * max(0, OLD.updated_at - settled_at) + 3599999) / 3600000
    WHERE server_id = OLD.server_id AND beside = 1 AND ended_at IS NULL;
END;
CREATE TRIGGER moves_of_nobody AFTER DELETE ON servers
BEGIN
  DELETE FROM server_moves WHERE server_id = OLD.id;
END;
-- Whatever else is asked of a server comes first: what was arriving goes.
CREATE TRIGGER moves_cancelled AFTER UPDATE OF task_state ON servers
WHEN NEW.task_state IS NOT NULL AND NEW.task_state IS NOT OLD.task_state
BEGIN
  UPDATE server_moves SET cancelled = 1, due_at = 0 WHERE server_id = NEW.id AND state = 'arriving' AND cancelled = 0;
END;
CREATE TRIGGER moves_cancelled_by_volume AFTER INSERT ON attachments
BEGIN
  UPDATE server_moves SET cancelled = 1, due_at = 0 WHERE server_id = NEW.server_id AND state = 'arriving' AND cancelled = 0;
END;
CREATE TRIGGER moves_cancelled_by_interface AFTER INSERT ON interfaces
BEGIN
  UPDATE server_moves SET cancelled = 1, due_at = 0 WHERE server_id = NEW.server_id AND state = 'arriving' AND cancelled = 0;
END;
CREATE TRIGGER moves_cancelled_by_port AFTER DELETE ON server_ports
BEGIN
  UPDATE server_moves SET cancelled = 1, due_at = 0 WHERE server_id = OLD.server_id AND state = 'arriving' AND cancelled = 0;
END;
CREATE TRIGGER moves_cancelled_by_address AFTER UPDATE OF port_id ON floating_ips
WHEN NEW.port_id IS NOT NULL AND NEW.port_id IS NOT OLD.port_id
BEGIN
  UPDATE server_moves SET cancelled = 1, due_at = 0 WHERE server_id = (SELECT server_id FROM server_ports WHERE port_id = NEW.port_id) AND state = 'arriving' AND cancelled = 0;
END;
