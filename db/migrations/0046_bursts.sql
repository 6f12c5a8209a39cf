CREATE TABLE `burst_members` (
	`server_id` text PRIMARY KEY NOT NULL,
	`burst_id` text NOT NULL,
	`position` integer NOT NULL,
	`word` text,
	`reported` text,
	`message` text,
	`reported_at` integer,
	`leaving` text,
	`created_at` integer NOT NULL,
	`ended_at` integer
);

CREATE UNIQUE INDEX `burst_members_there` ON `burst_members` (`burst_id`,`position`) WHERE ended_at IS NULL;
CREATE INDEX `burst_members_by_burst` ON `burst_members` (`burst_id`,`created_at`,`position`,`server_id`);
CREATE UNIQUE INDEX `burst_members_by_word` ON `burst_members` (`word`) WHERE word IS NOT NULL;
CREATE TABLE `burst_use` (
	`burst_id` text PRIMARY KEY NOT NULL,
	`hourly` integer NOT NULL,
	`settled` integer NOT NULL,
	`reserved` integer NOT NULL
);

CREATE TABLE `bursts` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`name` text NOT NULL,
	`least` integer NOT NULL,
	`most` integer NOT NULL,
	`wish` text NOT NULL,
	`user_data` text,
	`max_hourly_cost` text,
	`budget` text,
	`deadline` integer,
	`on_done` text NOT NULL,
	`group_id` text,
	`counted_at` integer NOT NULL,
	`draining_at` integer,
	`finished_at` integer,
	`ended_at` integer,
	`failure` text,
	`reason` text,
	`due_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);

CREATE INDEX `bursts_by_project` ON `bursts` (`project_id`,`created_at`,`id`);
CREATE INDEX `bursts_by_time` ON `bursts` (`created_at`,`id`);
CREATE INDEX `bursts_due` ON `bursts` (`due_at`) WHERE due_at IS NOT NULL;
CREATE INDEX `bursts_ended` ON `bursts` (`ended_at`) WHERE ended_at IS NOT NULL;
CREATE INDEX `bursts_sealed` ON `bursts` (substr(user_data, 1, 12)) WHERE user_data IS NOT NULL;
-- What members cost is counted where rows are written. The row of a member is written before that of its server.
CREATE TRIGGER burst_more AFTER INSERT ON servers
WHEN NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL
BEGIN
  UPDATE burst_use SET hourly = hourly + max(coalesce(NEW.places ->> '$.at.hourly', 0), coalesce(NEW.places ->> '$.to.hourly', 0), coalesce(NEW.places ->> '$.before.hourly', 0))
    WHERE burst_id = (SELECT burst_id FROM burst_members WHERE server_id = NEW.id);
END;
CREATE TRIGGER burst_changed AFTER UPDATE OF cloud_id, places, deleted_at ON servers
WHEN OLD.cloud_id IS NOT NEW.cloud_id OR OLD.places IS NOT NEW.places OR OLD.deleted_at IS NOT NEW.deleted_at
BEGIN
  UPDATE burst_use SET hourly = hourly
      + CASE WHEN NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL THEN max(coalesce(NEW.places ->> '$.at.hourly', 0), coalesce(NEW.places ->> '$.to.hourly', 0), coalesce(NEW.places ->> '$.before.hourly', 0)) ELSE 0 END
      - CASE WHEN OLD.deleted_at IS NULL AND OLD.cloud_id IS NOT NULL THEN max(coalesce(OLD.places ->> '$.at.hourly', 0), coalesce(OLD.places ->> '$.to.hourly', 0), coalesce(OLD.places ->> '$.before.hourly', 0)) ELSE 0 END
    WHERE burst_id = (SELECT burst_id FROM burst_members WHERE server_id = NEW.id);
  UPDATE burst_members SET ended_at = NEW.deleted_at, word = NULL WHERE server_id = NEW.id AND ended_at IS NULL AND NEW.deleted_at IS NOT NULL;
END;
CREATE TRIGGER burst_less AFTER DELETE ON servers
BEGIN
  UPDATE burst_use SET hourly = hourly - CASE WHEN OLD.deleted_at IS NULL AND OLD.cloud_id IS NOT NULL THEN max(coalesce(OLD.places ->> '$.at.hourly', 0), coalesce(OLD.places ->> '$.to.hourly', 0), coalesce(OLD.places ->> '$.before.hourly', 0)) ELSE 0 END
    WHERE burst_id = (SELECT burst_id FROM burst_members WHERE server_id = OLD.id);
  UPDATE burst_members SET ended_at = OLD.updated_at, word = NULL WHERE server_id = OLD.id AND ended_at IS NULL;
END;
CREATE TRIGGER burst_reserved_more AFTER INSERT ON meters
BEGIN
  UPDATE burst_use SET reserved = reserved + NEW.reserved WHERE burst_id = (SELECT burst_id FROM burst_members WHERE server_id = NEW.server_id);
END;
CREATE TRIGGER burst_reserved_moved AFTER UPDATE OF reserved ON meters
WHEN OLD.reserved <> NEW.reserved
BEGIN
  UPDATE burst_use SET reserved = reserved + NEW.reserved - OLD.reserved WHERE burst_id = (SELECT burst_id FROM burst_members WHERE server_id = NEW.server_id);
END;
CREATE TRIGGER burst_reserved_less AFTER DELETE ON meters
BEGIN
  UPDATE burst_use SET reserved = reserved - OLD.reserved WHERE burst_id = (SELECT burst_id FROM burst_members WHERE server_id = OLD.server_id);
END;
CREATE TRIGGER burst_settled AFTER INSERT ON costs
BEGIN
  UPDATE burst_use SET settled = settled + NEW.hourly * NEW.ms / 3600000 WHERE burst_id = (SELECT burst_id FROM burst_members WHERE server_id = NEW.server_id);
END;
CREATE TRIGGER burst_settled_more AFTER UPDATE OF ms ON costs
BEGIN
  UPDATE burst_use SET settled = settled + NEW.hourly * NEW.ms / 3600000 - OLD.hourly * OLD.ms / 3600000 WHERE burst_id = (SELECT burst_id FROM burst_members WHERE server_id = NEW.server_id);
END;
