CREATE TABLE `address_scope_prefixes` (
	`scope_id` text NOT NULL,
	`bits` text NOT NULL,
	`pool_id` text NOT NULL,
	PRIMARY KEY(`scope_id`, `bits`)
);

CREATE INDEX `address_scope_prefixes_by_pool` ON `address_scope_prefixes` (`pool_id`);
CREATE TABLE `address_scopes` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text DEFAULT '' NOT NULL,
	`ip_version` integer NOT NULL,
	`shared` integer DEFAULT false NOT NULL,
	`created_at` integer NOT NULL
);

CREATE INDEX `address_scopes_by_project` ON `address_scopes` (`project_id`,`created_at`,`id`);
CREATE INDEX `address_scopes_by_time` ON `address_scopes` (`created_at`,`id`);
CREATE INDEX `address_scopes_shared` ON `address_scopes` (`shared`) WHERE shared = 1;
CREATE TABLE `subnet_pool_ranges` (
	`pool_id` text NOT NULL,
	`bits` text NOT NULL,
	`subnet_id` text NOT NULL,
	`project_id` text NOT NULL,
	`units` real NOT NULL,
	PRIMARY KEY(`pool_id`, `bits`)
);

CREATE INDEX `subnet_pool_ranges_by_subnet` ON `subnet_pool_ranges` (`subnet_id`);
CREATE TABLE `subnet_pool_shares` (
	`pool_id` text NOT NULL,
	`project_id` text NOT NULL,
	`units` real NOT NULL,
	PRIMARY KEY(`pool_id`, `project_id`)
);

CREATE TABLE `subnet_pool_space` (
	`pool_id` text NOT NULL,
	`bits` text NOT NULL,
	`length` integer NOT NULL,
	PRIMARY KEY(`pool_id`, `bits`)
);

CREATE INDEX `subnet_pool_space_by_length` ON `subnet_pool_space` (`pool_id`,length desc,`bits`);
CREATE TABLE `subnet_pools` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text DEFAULT '' NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`tags` text DEFAULT '[]' NOT NULL,
	`revision` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`ip_version` integer NOT NULL,
	`prefixes` text NOT NULL,
	`min_prefixlen` integer NOT NULL,
	`max_prefixlen` integer NOT NULL,
	`default_prefixlen` integer NOT NULL,
	`default_quota` integer,
	`is_default` integer DEFAULT false NOT NULL,
	`shared` integer DEFAULT false NOT NULL,
	`address_scope_id` text
);

CREATE INDEX `subnet_pools_by_project` ON `subnet_pools` (`project_id`,`created_at`,`id`);
CREATE INDEX `subnet_pools_by_time` ON `subnet_pools` (`created_at`,`id`);
CREATE INDEX `subnet_pools_shared` ON `subnet_pools` (`shared`) WHERE shared = 1;
CREATE INDEX `subnet_pools_by_scope` ON `subnet_pools` (`address_scope_id`) WHERE address_scope_id IS NOT NULL;
CREATE UNIQUE INDEX `subnet_pools_default` ON `subnet_pools` (`ip_version`) WHERE is_default = 1;
CREATE INDEX `subnets_by_pool` ON `subnets` (`subnetpool_id`,`created_at`,`id`) WHERE subnetpool_id IS NOT NULL;
-- A range is taken out of the block that holds it; what is left of the block stays free, in the widest blocks possible. In the
-- lists of `json_each` a key stands for each bit of the range, or (after the leading 0) for each block that holds it.
CREATE TRIGGER subnet_pool_ranges_take BEFORE INSERT ON subnet_pool_ranges WHEN NEW.subnet_id <> ''
BEGIN
  SELECT RAISE(ABORT, 'refused:guard:pool-space') WHERE NOT EXISTS (SELECT 1 FROM subnet_pool_space
    WHERE pool_id = NEW.pool_id AND bits IN (SELECT substr(NEW.bits, 1, key)
      FROM json_each('[0' || replace(replace(NEW.bits, '0', ',0'), '1', ',1') || ']')));
  INSERT INTO subnet_pool_space (pool_id, bits, length)
    SELECT s.pool_id, substr(NEW.bits, 1, n.key) || (1 - n.value), n.key + 1
    FROM json_each('[' || rtrim(replace(replace(NEW.bits, '0', '0,'), '1', '1,'), ',') || ']') n
    JOIN subnet_pool_space s ON s.pool_id = NEW.pool_id AND s.length <= n.key
      AND s.bits IN (SELECT substr(NEW.bits, 1, key)
        FROM json_each('[0' || replace(replace(NEW.bits, '0', ',0'), '1', ',1') || ']'));
  DELETE FROM subnet_pool_space WHERE pool_id = NEW.pool_id AND bits IN (SELECT substr(NEW.bits, 1, key)
    FROM json_each('[0' || replace(replace(NEW.bits, '0', ',0'), '1', ',1') || ']'));
  INSERT INTO subnet_pool_shares (pool_id, project_id, units) VALUES (NEW.pool_id, NEW.project_id, NEW.units)
    ON CONFLICT (pool_id, project_id) DO UPDATE SET units = units + excluded.units;
END;
-- A range that comes back becomes one block with its other half where that is free, and so on upwards.
CREATE TRIGGER subnet_pool_ranges_give_back AFTER DELETE ON subnet_pool_ranges WHEN OLD.subnet_id <> '-'
BEGIN
  INSERT INTO subnet_pool_space (pool_id, bits, length)
    SELECT OLD.pool_id, substr(OLD.bits, 1, whole.length), whole.length FROM (SELECT ifnull(max(n.key + 1), 0) AS length
      FROM json_each('[' || rtrim(replace(replace(OLD.bits, '0', '0,'), '1', '1,'), ',') || ']') n
      WHERE NOT EXISTS (SELECT 1 FROM subnet_pool_space s
        WHERE s.pool_id = OLD.pool_id AND s.bits = substr(OLD.bits, 1, n.key) || (1 - n.value))) whole;
  DELETE FROM subnet_pool_space WHERE pool_id = OLD.pool_id AND bits IN (
    SELECT substr(OLD.bits, 1, n.key) || (1 - n.value)
    FROM json_each('[' || rtrim(replace(replace(OLD.bits, '0', '0,'), '1', '1,'), ',') || ']') n
    WHERE n.key >= (SELECT s.length FROM subnet_pool_space s WHERE s.pool_id = OLD.pool_id
      AND s.bits IN (SELECT substr(OLD.bits, 1, key)
        FROM json_each('[0' || replace(replace(OLD.bits, '0', ',0'), '1', ',1') || ']'))));
  UPDATE subnet_pool_shares SET units = units - OLD.units
    WHERE pool_id = OLD.pool_id AND project_id = OLD.project_id;
END;
-- However a subnet goes, its range goes back.
CREATE TRIGGER subnets_give_back AFTER DELETE ON subnets WHEN OLD.subnetpool_id IS NOT NULL
BEGIN
  DELETE FROM subnet_pool_ranges WHERE subnet_id = OLD.id;
END;
