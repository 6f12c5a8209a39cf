CREATE TABLE `part_prices` (
	`cloud_id` text NOT NULL,
	`what` text NOT NULL,
	`type` text DEFAULT '' NOT NULL,
	`booked` integer DEFAULT false NOT NULL,
	`amount` real NOT NULL,
	`currency` text NOT NULL,
	`as_of` integer NOT NULL,
	`source` text NOT NULL,
	PRIMARY KEY(`cloud_id`, `what`, `type`, `booked`)
);

CREATE INDEX `spend_months_by_month` ON `spend_months` (`month`);

-- What price books say of disks, and it holds on.
INSERT INTO part_prices (cloud_id, what, type, booked, amount, currency, as_of, source)
  SELECT cloud_id, 'disk', '', 1, book ->> '$.parts.disk_gib', book ->> 'currency', as_of, 'operator' FROM price_books WHERE book ->> '$.parts.disk_gib' > 0;

-- Money of a project is that of all that it has: what is no server counts by its meter.
CREATE TRIGGER parts_cost_more AFTER INSERT ON meters
WHEN NEW.kind <> 'server' AND NEW.ended_at IS NULL
BEGIN
  INSERT INTO spend (project_id, hourly, reserved)
    SELECT NEW.project_id, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM spend WHERE project_id = NEW.project_id);
  UPDATE spend SET hourly = hourly + coalesce(NEW.hourly, 0) WHERE project_id = NEW.project_id;
END;
CREATE TRIGGER parts_cost_changed AFTER UPDATE OF hourly, ended_at ON meters
WHEN NEW.kind <> 'server' AND (OLD.hourly IS NOT NEW.hourly OR OLD.ended_at IS NOT NEW.ended_at)
BEGIN
  UPDATE spend SET hourly = hourly + CASE WHEN NEW.ended_at IS NULL THEN coalesce(NEW.hourly, 0) ELSE 0 END
      - CASE WHEN OLD.ended_at IS NULL THEN coalesce(OLD.hourly, 0) ELSE 0 END
    WHERE project_id = NEW.project_id;
END;
CREATE TRIGGER parts_cost_less AFTER DELETE ON meters
WHEN OLD.kind <> 'server' AND OLD.ended_at IS NULL
BEGIN
  UPDATE spend SET hourly = hourly - coalesce(OLD.hourly, 0) WHERE project_id = OLD.project_id;
END;
UPDATE spend SET hourly = hourly + coalesce((SELECT sum(m.hourly) FROM meters m WHERE m.project_id = spend.project_id AND m.kind <> 'server' AND m.ended_at IS NULL), 0);

-- Volumes cost what the cloud says, where the operator says nothing.
DROP TRIGGER disks_begin;
CREATE TRIGGER disks_begin AFTER INSERT ON volumes
WHEN NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL
BEGIN
  INSERT INTO meters (kind, server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at)
    SELECT 'volume', v.id, v.project_id, v.cloud_id, coalesce(v.zone, ''), v.volume_type, 'on-demand', (SELECT cast(min(round(v.size_gib * p.amount * r.rate), 1e12) as integer) FROM part_prices p JOIN rates r ON r.currency = p.currency WHERE p.cloud_id = v.cloud_id AND p.what = 'disk' AND p.type IN (v.volume_type, '') ORDER BY p.booked DESC, p.type DESC LIMIT 1), 'running',
      CASE WHEN v.status NOT IN ('creating', 'error') THEN v.created_at END, CASE WHEN v.status NOT IN ('creating', 'error') THEN v.created_at END, NULL, coalesce((SELECT cast(min(round(v.size_gib * p.amount * r.rate), 1e12) as integer) FROM part_prices p JOIN rates r ON r.currency = p.currency WHERE p.cloud_id = v.cloud_id AND p.what = 'disk' AND p.type IN (v.volume_type, '') ORDER BY p.booked DESC, p.type DESC LIMIT 1), 0), v.created_at + 3600000
    FROM volumes v WHERE v.id = NEW.id AND NOT EXISTS (SELECT 1 FROM meters m WHERE m.server_id = NEW.id AND m.ended_at IS NULL);
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
    SELECT 'volume', v.id, v.project_id, v.cloud_id, coalesce(v.zone, ''), v.volume_type, 'on-demand', (SELECT cast(min(round(v.size_gib * p.amount * r.rate), 1e12) as integer) FROM part_prices p JOIN rates r ON r.currency = p.currency WHERE p.cloud_id = v.cloud_id AND p.what = 'disk' AND p.type IN (v.volume_type, '') ORDER BY p.booked DESC, p.type DESC LIMIT 1), 'running',
      CASE WHEN v.status NOT IN ('creating', 'error') THEN max(v.updated_at, coalesce((SELECT max(m.ended_at) FROM meters m WHERE m.server_id = v.id), 0)) END, CASE WHEN v.status NOT IN ('creating', 'error') THEN max(v.updated_at, coalesce((SELECT max(m.ended_at) FROM meters m WHERE m.server_id = v.id), 0)) END, NULL, coalesce((SELECT cast(min(round(v.size_gib * p.amount * r.rate), 1e12) as integer) FROM part_prices p JOIN rates r ON r.currency = p.currency WHERE p.cloud_id = v.cloud_id AND p.what = 'disk' AND p.type IN (v.volume_type, '') ORDER BY p.booked DESC, p.type DESC LIMIT 1), 0), v.updated_at + 3600000
    FROM volumes v WHERE v.id = NEW.id AND v.deleted_at IS NULL AND v.cloud_id IS NOT NULL;
END;

-- Public addresses cost from when their cloud gave them until they are given up.
INSERT INTO meters (kind, server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at)
    SELECT 'address', f.id, f.project_id, n.cloud_id, '', '', 'on-demand', (SELECT cast(min(round(1 * p.amount * r.rate), 1e12) as integer) FROM part_prices p JOIN rates r ON r.currency = p.currency WHERE p.cloud_id = n.cloud_id AND p.what = 'address' AND p.type IN ('', '') ORDER BY p.booked DESC, p.type DESC LIMIT 1), 'running',
      CASE WHEN f.floating_ip_address IS NOT NULL THEN unixepoch() * 1000 END, CASE WHEN f.floating_ip_address IS NOT NULL THEN unixepoch() * 1000 END, NULL, coalesce((SELECT cast(min(round(1 * p.amount * r.rate), 1e12) as integer) FROM part_prices p JOIN rates r ON r.currency = p.currency WHERE p.cloud_id = n.cloud_id AND p.what = 'address' AND p.type IN ('', '') ORDER BY p.booked DESC, p.type DESC LIMIT 1), 0), unixepoch() * 1000 + 3600000
    FROM floating_ips f JOIN networks n ON n.id = f.floating_network_id WHERE n.cloud_id IS NOT NULL;
CREATE TRIGGER addresses_begin AFTER INSERT ON floating_ips
BEGIN
  INSERT INTO meters (kind, server_id, project_id, cloud_id, zone, size, option, hourly, state, started_at, settled_at, ended_at, reserved, due_at)
    SELECT 'address', f.id, f.project_id, n.cloud_id, '', '', 'on-demand', (SELECT cast(min(round(1 * p.amount * r.rate), 1e12) as integer) FROM part_prices p JOIN rates r ON r.currency = p.currency WHERE p.cloud_id = n.cloud_id AND p.what = 'address' AND p.type IN ('', '') ORDER BY p.booked DESC, p.type DESC LIMIT 1), 'running',
      CASE WHEN f.floating_ip_address IS NOT NULL THEN f.created_at END, CASE WHEN f.floating_ip_address IS NOT NULL THEN f.created_at END, NULL, coalesce((SELECT cast(min(round(1 * p.amount * r.rate), 1e12) as integer) FROM part_prices p JOIN rates r ON r.currency = p.currency WHERE p.cloud_id = n.cloud_id AND p.what = 'address' AND p.type IN ('', '') ORDER BY p.booked DESC, p.type DESC LIMIT 1), 0), f.created_at + 3600000
    FROM floating_ips f JOIN networks n ON n.id = f.floating_network_id
    WHERE f.id = NEW.id AND n.cloud_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM meters m WHERE m.server_id = NEW.id AND m.ended_at IS NULL);
END;
CREATE TRIGGER addresses_there AFTER UPDATE OF floating_ip_address ON floating_ips
WHEN OLD.floating_ip_address IS NULL AND NEW.floating_ip_address IS NOT NULL
BEGIN
  UPDATE meters SET started_at = NEW.updated_at, settled_at = NEW.updated_at
    WHERE server_id = NEW.id AND ended_at IS NULL AND started_at IS NULL;
END;
CREATE TRIGGER addresses_gone AFTER DELETE ON floating_ips
BEGIN
  -- The next settlement ends it: the address is not there.
  UPDATE meters SET due_at = 0 WHERE server_id = OLD.id AND ended_at IS NULL;
END;

-- In two parts, so that no amount is too large for the product.
DROP TRIGGER months_begin;
CREATE TRIGGER months_begin AFTER INSERT ON costs
BEGIN
  INSERT INTO spend_months (project_id, month, settled) SELECT NEW.project_id, substr(NEW.day, 1, 7), 0
    WHERE NOT EXISTS (SELECT 1 FROM spend_months WHERE project_id = NEW.project_id AND month = substr(NEW.day, 1, 7));
  UPDATE spend_months SET settled = settled + (NEW.hourly / 3600000 * NEW.ms + NEW.hourly % 3600000 * NEW.ms / 3600000) WHERE project_id = NEW.project_id AND month = substr(NEW.day, 1, 7);
END;
DROP TRIGGER months_more;
CREATE TRIGGER months_more AFTER UPDATE OF ms ON costs
BEGIN
  UPDATE spend_months SET settled = settled + (NEW.hourly / 3600000 * NEW.ms + NEW.hourly % 3600000 * NEW.ms / 3600000) - (OLD.hourly / 3600000 * OLD.ms + OLD.hourly % 3600000 * OLD.ms / 3600000) WHERE project_id = NEW.project_id AND month = substr(NEW.day, 1, 7);
END;
DROP TRIGGER burst_settled;
CREATE TRIGGER burst_settled AFTER INSERT ON costs
BEGIN
  UPDATE burst_use SET settled = settled + (NEW.hourly / 3600000 * NEW.ms + NEW.hourly % 3600000 * NEW.ms / 3600000) WHERE burst_id = (SELECT burst_id FROM burst_members WHERE server_id = NEW.server_id);
END;
DROP TRIGGER burst_settled_more;
CREATE TRIGGER burst_settled_more AFTER UPDATE OF ms ON costs
BEGIN
  UPDATE burst_use SET settled = settled + (NEW.hourly / 3600000 * NEW.ms + NEW.hourly % 3600000 * NEW.ms / 3600000) - (OLD.hourly / 3600000 * OLD.ms + OLD.hourly % 3600000 * OLD.ms / 3600000) WHERE burst_id = (SELECT burst_id FROM burst_members WHERE server_id = NEW.server_id);
END;
