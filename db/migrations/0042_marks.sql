CREATE TABLE `cloud_rooms` (
	`cloud_id` text PRIMARY KEY NOT NULL,
	`vcpus` integer NOT NULL,
	`ram_mib` integer NOT NULL,
	`foreign_vcpus` integer NOT NULL,
	`foreign_ram_mib` integer NOT NULL,
	`read_at` integer NOT NULL
);

CREATE TABLE `cloud_steady` (
	`cloud_id` text PRIMARY KEY NOT NULL,
	`vcpus` integer NOT NULL,
	`ram_mib` integer NOT NULL,
	`left_vcpus` integer NOT NULL,
	`left_ram_mib` integer NOT NULL
);

CREATE TABLE `cloud_use` (
	`cloud_id` text NOT NULL,
	`project_id` text NOT NULL,
	`servers` integer NOT NULL,
	`vcpus` integer NOT NULL,
	`ram_mib` integer NOT NULL,
	PRIMARY KEY(`cloud_id`, `project_id`)
);

CREATE TABLE `passed_homes` (
	`cloud_id` text NOT NULL,
	`project_id` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`cloud_id`, `project_id`)
);

CREATE TABLE `spill_use` (
	`project_id` text PRIMARY KEY NOT NULL,
	`servers` integer NOT NULL,
	`vcpus` integer NOT NULL
);

ALTER TABLE `servers` ADD `spilled` integer DEFAULT false NOT NULL;
-- What servers hold is counted where rows are written, so that no way to write one can forget it.
INSERT INTO cloud_use (cloud_id, project_id, servers, vcpus, ram_mib)
  SELECT cloud_id, project_id, count(*), sum(max(servers.flavor ->> '$.vcpus', coalesce(servers.places ->> '$.at.vcpus', 0), coalesce(servers.places ->> '$.before.vcpus', 0), coalesce(servers.places ->> '$.to.vcpus', 0))), sum(max(servers.flavor ->> '$.ramMib', coalesce(servers.places ->> '$.at.ramMib', 0), coalesce(servers.places ->> '$.before.ramMib', 0), coalesce(servers.places ->> '$.to.ramMib', 0)))
  FROM servers WHERE servers.deleted_at IS NULL AND servers.cloud_id IS NOT NULL GROUP BY cloud_id, project_id;
INSERT INTO cloud_use (cloud_id, project_id, servers, vcpus, ram_mib)
  SELECT cloud_id, '', sum(servers), sum(vcpus), sum(ram_mib) FROM cloud_use GROUP BY cloud_id;
INSERT INTO cloud_steady (cloud_id, vcpus, ram_mib, left_vcpus, left_ram_mib)
  SELECT cloud_id, sum(coalesce(servers.places ->> '$.at.vcpus', servers.flavor ->> '$.vcpus')), sum(coalesce(servers.places ->> '$.at.ramMib', servers.flavor ->> '$.ramMib')), 0, 0 FROM servers WHERE (servers.deleted_at IS NULL AND servers.cloud_id IS NOT NULL AND servers.launched_at IS NOT NULL AND servers.task_state IS NULL AND servers.vm_state <> 'error') GROUP BY cloud_id;
CREATE TRIGGER cloud_use_more AFTER INSERT ON servers
WHEN NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL
BEGIN
  INSERT INTO cloud_use (cloud_id, project_id, servers, vcpus, ram_mib)
    SELECT NEW.cloud_id, p.id, 0, 0, 0 FROM (SELECT '' AS id UNION ALL SELECT NEW.project_id) p
    WHERE NOT EXISTS (SELECT 1 FROM cloud_use WHERE cloud_id = NEW.cloud_id AND project_id = p.id);
  UPDATE cloud_use SET servers = servers + 1, vcpus = vcpus + max(NEW.flavor ->> '$.vcpus', coalesce(NEW.places ->> '$.at.vcpus', 0), coalesce(NEW.places ->> '$.before.vcpus', 0), coalesce(NEW.places ->> '$.to.vcpus', 0)), ram_mib = ram_mib + max(NEW.flavor ->> '$.ramMib', coalesce(NEW.places ->> '$.at.ramMib', 0), coalesce(NEW.places ->> '$.before.ramMib', 0), coalesce(NEW.places ->> '$.to.ramMib', 0))
    WHERE cloud_id = NEW.cloud_id AND project_id IN ('', NEW.project_id);
  INSERT INTO spill_use (project_id, servers, vcpus)
    SELECT NEW.project_id, 0, 0 WHERE NEW.spilled AND NOT EXISTS (SELECT 1 FROM spill_use WHERE project_id = NEW.project_id);
  UPDATE spill_use SET servers = servers + 1, vcpus = vcpus + max(NEW.flavor ->> '$.vcpus', coalesce(NEW.places ->> '$.at.vcpus', 0), coalesce(NEW.places ->> '$.before.vcpus', 0), coalesce(NEW.places ->> '$.to.vcpus', 0))
    WHERE project_id = NEW.project_id AND NEW.spilled;
END;
CREATE TRIGGER cloud_use_less AFTER DELETE ON servers
WHEN OLD.deleted_at IS NULL AND OLD.cloud_id IS NOT NULL
BEGIN
  UPDATE cloud_use SET servers = servers - 1, vcpus = vcpus - max(OLD.flavor ->> '$.vcpus', coalesce(OLD.places ->> '$.at.vcpus', 0), coalesce(OLD.places ->> '$.before.vcpus', 0), coalesce(OLD.places ->> '$.to.vcpus', 0)), ram_mib = ram_mib - max(OLD.flavor ->> '$.ramMib', coalesce(OLD.places ->> '$.at.ramMib', 0), coalesce(OLD.places ->> '$.before.ramMib', 0), coalesce(OLD.places ->> '$.to.ramMib', 0))
    WHERE cloud_id = OLD.cloud_id AND project_id IN ('', OLD.project_id);
  UPDATE spill_use SET servers = servers - 1, vcpus = vcpus - max(OLD.flavor ->> '$.vcpus', coalesce(OLD.places ->> '$.at.vcpus', 0), coalesce(OLD.places ->> '$.before.vcpus', 0), coalesce(OLD.places ->> '$.to.vcpus', 0))
    WHERE project_id = OLD.project_id AND OLD.spilled;
END;
CREATE TRIGGER cloud_use_left AFTER UPDATE OF cloud_id, places, flavor, deleted_at, spilled ON servers
WHEN OLD.deleted_at IS NULL AND OLD.cloud_id IS NOT NULL
BEGIN
  UPDATE cloud_use SET servers = servers - 1, vcpus = vcpus - max(OLD.flavor ->> '$.vcpus', coalesce(OLD.places ->> '$.at.vcpus', 0), coalesce(OLD.places ->> '$.before.vcpus', 0), coalesce(OLD.places ->> '$.to.vcpus', 0)), ram_mib = ram_mib - max(OLD.flavor ->> '$.ramMib', coalesce(OLD.places ->> '$.at.ramMib', 0), coalesce(OLD.places ->> '$.before.ramMib', 0), coalesce(OLD.places ->> '$.to.ramMib', 0))
    WHERE cloud_id = OLD.cloud_id AND project_id IN ('', OLD.project_id);
  UPDATE spill_use SET servers = servers - 1, vcpus = vcpus - max(OLD.flavor ->> '$.vcpus', coalesce(OLD.places ->> '$.at.vcpus', 0), coalesce(OLD.places ->> '$.before.vcpus', 0), coalesce(OLD.places ->> '$.to.vcpus', 0))
    WHERE project_id = OLD.project_id AND OLD.spilled;
END;
CREATE TRIGGER cloud_use_entered AFTER UPDATE OF cloud_id, places, flavor, deleted_at, spilled ON servers
WHEN NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL
BEGIN
  INSERT INTO cloud_use (cloud_id, project_id, servers, vcpus, ram_mib)
    SELECT NEW.cloud_id, p.id, 0, 0, 0 FROM (SELECT '' AS id UNION ALL SELECT NEW.project_id) p
    WHERE NOT EXISTS (SELECT 1 FROM cloud_use WHERE cloud_id = NEW.cloud_id AND project_id = p.id);
  UPDATE cloud_use SET servers = servers + 1, vcpus = vcpus + max(NEW.flavor ->> '$.vcpus', coalesce(NEW.places ->> '$.at.vcpus', 0), coalesce(NEW.places ->> '$.before.vcpus', 0), coalesce(NEW.places ->> '$.to.vcpus', 0)), ram_mib = ram_mib + max(NEW.flavor ->> '$.ramMib', coalesce(NEW.places ->> '$.at.ramMib', 0), coalesce(NEW.places ->> '$.before.ramMib', 0), coalesce(NEW.places ->> '$.to.ramMib', 0))
    WHERE cloud_id = NEW.cloud_id AND project_id IN ('', NEW.project_id);
  INSERT INTO spill_use (project_id, servers, vcpus)
    SELECT NEW.project_id, 0, 0 WHERE NEW.spilled AND NOT EXISTS (SELECT 1 FROM spill_use WHERE project_id = NEW.project_id);
  UPDATE spill_use SET servers = servers + 1, vcpus = vcpus + max(NEW.flavor ->> '$.vcpus', coalesce(NEW.places ->> '$.at.vcpus', 0), coalesce(NEW.places ->> '$.before.vcpus', 0), coalesce(NEW.places ->> '$.to.vcpus', 0))
    WHERE project_id = NEW.project_id AND NEW.spilled;
END;
CREATE TRIGGER cloud_steady_more AFTER INSERT ON servers
WHEN (NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL AND NEW.launched_at IS NOT NULL AND NEW.task_state IS NULL AND NEW.vm_state <> 'error')
BEGIN
  INSERT INTO cloud_steady (cloud_id, vcpus, ram_mib, left_vcpus, left_ram_mib)
    SELECT NEW.cloud_id, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM cloud_steady WHERE cloud_id = NEW.cloud_id);
  UPDATE cloud_steady SET vcpus = vcpus + coalesce(NEW.places ->> '$.at.vcpus', NEW.flavor ->> '$.vcpus'), ram_mib = ram_mib + coalesce(NEW.places ->> '$.at.ramMib', NEW.flavor ->> '$.ramMib') WHERE cloud_id = NEW.cloud_id;
END;
CREATE TRIGGER cloud_steady_less AFTER DELETE ON servers
WHEN (OLD.deleted_at IS NULL AND OLD.cloud_id IS NOT NULL AND OLD.launched_at IS NOT NULL AND OLD.task_state IS NULL AND OLD.vm_state <> 'error')
BEGIN
  UPDATE cloud_steady SET vcpus = vcpus - coalesce(OLD.places ->> '$.at.vcpus', OLD.flavor ->> '$.vcpus'), ram_mib = ram_mib - coalesce(OLD.places ->> '$.at.ramMib', OLD.flavor ->> '$.ramMib'),
    left_vcpus = left_vcpus + coalesce(OLD.places ->> '$.at.vcpus', OLD.flavor ->> '$.vcpus'), left_ram_mib = left_ram_mib + coalesce(OLD.places ->> '$.at.ramMib', OLD.flavor ->> '$.ramMib') WHERE cloud_id = OLD.cloud_id;
END;
CREATE TRIGGER cloud_steady_left AFTER UPDATE OF cloud_id, places, flavor, deleted_at, launched_at, task_state, vm_state ON servers
WHEN (OLD.deleted_at IS NULL AND OLD.cloud_id IS NOT NULL AND OLD.launched_at IS NOT NULL AND OLD.task_state IS NULL AND OLD.vm_state <> 'error') AND ((OLD.deleted_at IS NULL AND OLD.cloud_id IS NOT NULL AND OLD.launched_at IS NOT NULL AND OLD.task_state IS NULL AND OLD.vm_state <> 'error') IS NOT (NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL AND NEW.launched_at IS NOT NULL AND NEW.task_state IS NULL AND NEW.vm_state <> 'error') OR OLD.cloud_id IS NOT NEW.cloud_id OR OLD.places IS NOT NEW.places OR OLD.flavor IS NOT NEW.flavor)
BEGIN
  UPDATE cloud_steady SET vcpus = vcpus - coalesce(OLD.places ->> '$.at.vcpus', OLD.flavor ->> '$.vcpus'), ram_mib = ram_mib - coalesce(OLD.places ->> '$.at.ramMib', OLD.flavor ->> '$.ramMib'),
    left_vcpus = left_vcpus + coalesce(OLD.places ->> '$.at.vcpus', OLD.flavor ->> '$.vcpus'), left_ram_mib = left_ram_mib + coalesce(OLD.places ->> '$.at.ramMib', OLD.flavor ->> '$.ramMib') WHERE cloud_id = OLD.cloud_id;
END;
CREATE TRIGGER cloud_steady_entered AFTER UPDATE OF cloud_id, places, flavor, deleted_at, launched_at, task_state, vm_state ON servers
WHEN (NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL AND NEW.launched_at IS NOT NULL AND NEW.task_state IS NULL AND NEW.vm_state <> 'error') AND ((OLD.deleted_at IS NULL AND OLD.cloud_id IS NOT NULL AND OLD.launched_at IS NOT NULL AND OLD.task_state IS NULL AND OLD.vm_state <> 'error') IS NOT (NEW.deleted_at IS NULL AND NEW.cloud_id IS NOT NULL AND NEW.launched_at IS NOT NULL AND NEW.task_state IS NULL AND NEW.vm_state <> 'error') OR OLD.cloud_id IS NOT NEW.cloud_id OR OLD.places IS NOT NEW.places OR OLD.flavor IS NOT NEW.flavor)
BEGIN
  INSERT INTO cloud_steady (cloud_id, vcpus, ram_mib, left_vcpus, left_ram_mib)
    SELECT NEW.cloud_id, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM cloud_steady WHERE cloud_id = NEW.cloud_id);
  UPDATE cloud_steady SET vcpus = vcpus + coalesce(NEW.places ->> '$.at.vcpus', NEW.flavor ->> '$.vcpus'), ram_mib = ram_mib + coalesce(NEW.places ->> '$.at.ramMib', NEW.flavor ->> '$.ramMib') WHERE cloud_id = NEW.cloud_id;
END;
