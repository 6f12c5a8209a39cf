CREATE TABLE `costs` (
	`project_id` text NOT NULL,
	`day` text NOT NULL,
	`server_id` text NOT NULL,
	`cloud_id` text NOT NULL,
	`zone` text NOT NULL,
	`size` text NOT NULL,
	`option` text NOT NULL,
	`state` text NOT NULL,
	`unpriced` integer NOT NULL,
	`hourly` integer NOT NULL,
	`tags` text DEFAULT '[]' NOT NULL,
	`ms` integer NOT NULL,
	PRIMARY KEY(`project_id`, `day`, `server_id`, `cloud_id`, `zone`, `size`, `option`, `state`, `unpriced`, `hourly`)
);

CREATE INDEX `costs_by_day` ON `costs` (`day`);
CREATE TABLE `meters` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`server_id` text NOT NULL,
	`project_id` text NOT NULL,
	`cloud_id` text NOT NULL,
	`zone` text NOT NULL,
	`size` text NOT NULL,
	`option` text NOT NULL,
	`hourly` integer,
	`state` text NOT NULL,
	`started_at` integer,
	`settled_at` integer,
	`ended_at` integer,
	`reserved` integer NOT NULL,
	`due_at` integer NOT NULL
);

CREATE INDEX `meters_by_server` ON `meters` (`server_id`,`ended_at`);
CREATE INDEX `meters_by_project` ON `meters` (`project_id`,`due_at`);
CREATE INDEX `meters_due` ON `meters` (`due_at`);
CREATE TABLE `spend` (
	`project_id` text PRIMARY KEY NOT NULL,
	`hourly` integer NOT NULL,
	`reserved` integer NOT NULL
);

CREATE TABLE `spend_months` (
	`project_id` text NOT NULL,
	`month` text NOT NULL,
	`settled` integer NOT NULL,
	`warned_at` integer,
	`exhausted_at` integer,
	PRIMARY KEY(`project_id`, `month`)
);

-- What is counted is counted where rows are written. What is there already runs on, and nobody knows its price.
INSERT INTO meters (server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at)
  SELECT s.id, s.project_id, s.cloud_id, coalesce(s.zone, ''), coalesce(s.places ->> '$.at.native', ''), coalesce(s.places ->> '$.at.option', 'on-demand'),
    s.places ->> '$.at.hourly', CASE s.vm_state WHEN 'stopped' THEN 'stopped' ELSE 'running' END, s.launched_at, s.launched_at, NULL, 0, 0
  FROM servers s WHERE s.deleted_at IS NULL AND s.cloud_id IS NOT NULL;
INSERT INTO spend (project_id, hourly, reserved)
  SELECT s.project_id, sum(max(coalesce(s.places ->> '$.at.hourly', 0), coalesce(s.places ->> '$.to.hourly', 0), coalesce(s.places ->> '$.before.hourly', 0))), 0 FROM servers s WHERE s.deleted_at IS NULL AND s.cloud_id IS NOT NULL GROUP BY s.project_id;
CREATE TRIGGER spend_more AFTER INSERT ON servers
WHEN NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL
BEGIN
  INSERT INTO spend (project_id, hourly, reserved)
    SELECT NEW.project_id, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM spend WHERE project_id = NEW.project_id);
  UPDATE spend SET hourly = hourly + max(coalesce(NEW.places ->> '$.at.hourly', 0), coalesce(NEW.places ->> '$.to.hourly', 0), coalesce(NEW.places ->> '$.before.hourly', 0)) WHERE project_id = NEW.project_id;
END;
CREATE TRIGGER spend_less AFTER DELETE ON servers
WHEN OLD.deleted_at IS NULL AND OLD.cloud_id IS NOT NULL
BEGIN
  UPDATE spend SET hourly = hourly - max(coalesce(OLD.places ->> '$.at.hourly', 0), coalesce(OLD.places ->> '$.to.hourly', 0), coalesce(OLD.places ->> '$.before.hourly', 0)) WHERE project_id = OLD.project_id;
  -- The next settlement ends it: the server is not there.
  UPDATE meters SET due_at = 0 WHERE server_id = OLD.id;
END;
CREATE TRIGGER spend_left AFTER UPDATE OF project_id, cloud_id, places, deleted_at ON servers
WHEN OLD.deleted_at IS NULL AND OLD.cloud_id IS NOT NULL
BEGIN
  UPDATE spend SET hourly = hourly - max(coalesce(OLD.places ->> '$.at.hourly', 0), coalesce(OLD.places ->> '$.to.hourly', 0), coalesce(OLD.places ->> '$.before.hourly', 0)) WHERE project_id = OLD.project_id;
END;
CREATE TRIGGER spend_come AFTER UPDATE OF project_id, cloud_id, places, deleted_at ON servers
WHEN NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL
BEGIN
  INSERT INTO spend (project_id, hourly, reserved)
    SELECT NEW.project_id, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM spend WHERE project_id = NEW.project_id);
  UPDATE spend SET hourly = hourly + max(coalesce(NEW.places ->> '$.at.hourly', 0), coalesce(NEW.places ->> '$.to.hourly', 0), coalesce(NEW.places ->> '$.before.hourly', 0)) WHERE project_id = NEW.project_id;
END;
CREATE TRIGGER meters_begin AFTER INSERT ON servers
WHEN NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL
BEGIN
  INSERT INTO meters (server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at)
    SELECT s.id, s.project_id, s.cloud_id, coalesce(s.zone, ''), coalesce(s.places ->> '$.at.native', ''), coalesce(s.places ->> '$.at.option', 'on-demand'),
      CASE WHEN s.vm_state = 'stopped' THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END, CASE s.vm_state WHEN 'stopped' THEN 'stopped' ELSE 'running' END, s.launched_at, s.launched_at, NULL,
      (coalesce(CASE WHEN s.vm_state = 'stopped' THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END, 0) * min(3600000, max(60000, coalesce(s.lease_ends_at - s.created_at, 3600000))) + 3599999) / 3600000,
      s.created_at + min(3600000, max(60000, coalesce(s.lease_ends_at - s.created_at, 3600000)))
    FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.cloud_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM meters m WHERE m.server_id = NEW.id AND m.ended_at IS NULL);
END;
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
      (coalesce(CASE WHEN s.vm_state = 'stopped' THEN coalesce(s.places ->> '$.at.idle', s.places ->> '$.at.hourly') ELSE s.places ->> '$.at.hourly' END, 0) * min(3600000, max(60000, coalesce(s.lease_ends_at - s.updated_at, 3600000))) + 3599999) / 3600000,
      s.updated_at + min(3600000, max(60000, coalesce(s.lease_ends_at - s.updated_at, 3600000)))
    FROM servers s WHERE s.id = NEW.id AND s.deleted_at IS NULL AND s.cloud_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM meters m WHERE m.server_id = NEW.id AND m.ended_at IS NULL);
END;
CREATE TRIGGER reserved_more AFTER INSERT ON meters
BEGIN
  INSERT INTO spend (project_id, hourly, reserved)
    SELECT NEW.project_id, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM spend WHERE project_id = NEW.project_id);
  UPDATE spend SET reserved = reserved + NEW.reserved WHERE project_id = NEW.project_id;
END;
CREATE TRIGGER reserved_moved AFTER UPDATE OF reserved ON meters
WHEN OLD.reserved <> NEW.reserved
BEGIN
  UPDATE spend SET reserved = reserved + NEW.reserved - OLD.reserved WHERE project_id = NEW.project_id;
END;
CREATE TRIGGER reserved_less AFTER DELETE ON meters
BEGIN
  UPDATE spend SET reserved = reserved - OLD.reserved WHERE project_id = OLD.project_id;
END;
CREATE TRIGGER months_begin AFTER INSERT ON costs
BEGIN
  INSERT INTO spend_months (project_id, month, settled) SELECT NEW.project_id, substr(NEW.day, 1, 7), 0
    WHERE NOT EXISTS (SELECT 1 FROM spend_months WHERE project_id = NEW.project_id AND month = substr(NEW.day, 1, 7));
  UPDATE spend_months SET settled = settled + NEW.hourly * NEW.ms / 3600000 WHERE project_id = NEW.project_id AND month = substr(NEW.day, 1, 7);
END;
CREATE TRIGGER months_more AFTER UPDATE OF ms ON costs
BEGIN
  UPDATE spend_months SET settled = settled + NEW.hourly * NEW.ms / 3600000 - OLD.hourly * OLD.ms / 3600000 WHERE project_id = NEW.project_id AND month = substr(NEW.day, 1, 7);
END;
