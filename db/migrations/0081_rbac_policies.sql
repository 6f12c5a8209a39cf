CREATE TABLE `rbac_policies` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`object_type` text NOT NULL,
	`object_id` text NOT NULL,
	`action` text NOT NULL,
	`target` text NOT NULL,
	`by_flag` integer DEFAULT false NOT NULL,
	`created_at` integer NOT NULL
);

CREATE UNIQUE INDEX `rbac_policies_once` ON `rbac_policies` (`object_id`,`target`,`action`);
CREATE INDEX `rbac_policies_by_target` ON `rbac_policies` (`target`,`object_type`,`object_id`);
CREATE INDEX `rbac_policies_by_project` ON `rbac_policies` (`project_id`,`created_at`,`id`);
CREATE INDEX `rbac_policies_by_time` ON `rbac_policies` (`created_at`,`id`);
-- What a policy shares with all is shared by its attribute; who writes the attribute writes the policy.
CREATE TRIGGER networks_shared_delete AFTER DELETE ON networks
BEGIN
  DELETE FROM rbac_policies WHERE object_id = OLD.id;
END;
CREATE TRIGGER rbac_network_insert AFTER INSERT ON rbac_policies WHEN NEW.object_type = 'network' AND NEW.target = '*'
BEGIN
  UPDATE networks SET shared = 1 WHERE id = NEW.object_id AND shared = 0;
END;
CREATE TRIGGER rbac_network_target AFTER UPDATE OF target ON rbac_policies WHEN NEW.object_type = 'network'
BEGIN
  UPDATE networks SET shared = (NEW.target = '*') WHERE id = NEW.object_id AND (NEW.target = '*' OR OLD.target = '*') AND shared <> (NEW.target = '*');
END;
CREATE TRIGGER rbac_network_delete AFTER DELETE ON rbac_policies WHEN OLD.object_type = 'network' AND OLD.target = '*'
BEGIN
  UPDATE networks SET shared = 0 WHERE id = OLD.object_id AND shared = 1;
END;
CREATE TRIGGER subnet_pools_shared_delete AFTER DELETE ON subnet_pools
BEGIN
  DELETE FROM rbac_policies WHERE object_id = OLD.id;
END;
CREATE TRIGGER rbac_subnetpool_insert AFTER INSERT ON rbac_policies WHEN NEW.object_type = 'subnetpool' AND NEW.target = '*'
BEGIN
  UPDATE subnet_pools SET shared = 1 WHERE id = NEW.object_id AND shared = 0;
END;
CREATE TRIGGER rbac_subnetpool_target AFTER UPDATE OF target ON rbac_policies WHEN NEW.object_type = 'subnetpool'
BEGIN
  UPDATE subnet_pools SET shared = (NEW.target = '*') WHERE id = NEW.object_id AND (NEW.target = '*' OR OLD.target = '*') AND shared <> (NEW.target = '*');
END;
CREATE TRIGGER rbac_subnetpool_delete AFTER DELETE ON rbac_policies WHEN OLD.object_type = 'subnetpool' AND OLD.target = '*'
BEGIN
  UPDATE subnet_pools SET shared = 0 WHERE id = OLD.object_id AND shared = 1;
END;
CREATE TRIGGER address_scopes_shared_delete AFTER DELETE ON address_scopes
BEGIN
  DELETE FROM rbac_policies WHERE object_id = OLD.id;
END;
CREATE TRIGGER rbac_address_scope_insert AFTER INSERT ON rbac_policies WHEN NEW.object_type = 'address_scope' AND NEW.target = '*'
BEGIN
  UPDATE address_scopes SET shared = 1 WHERE id = NEW.object_id AND shared = 0;
END;
CREATE TRIGGER rbac_address_scope_target AFTER UPDATE OF target ON rbac_policies WHEN NEW.object_type = 'address_scope'
BEGIN
  UPDATE address_scopes SET shared = (NEW.target = '*') WHERE id = NEW.object_id AND (NEW.target = '*' OR OLD.target = '*') AND shared <> (NEW.target = '*');
END;
CREATE TRIGGER rbac_address_scope_delete AFTER DELETE ON rbac_policies WHEN OLD.object_type = 'address_scope' AND OLD.target = '*'
BEGIN
  UPDATE address_scopes SET shared = 0 WHERE id = OLD.object_id AND shared = 1;
END;
CREATE TRIGGER security_groups_shared_delete AFTER DELETE ON security_groups
BEGIN
  DELETE FROM rbac_policies WHERE object_id = OLD.id;
END;
-- The quota of a policy goes with it, whatever takes it away.
CREATE TRIGGER rbac_policies_release AFTER DELETE ON rbac_policies WHEN OLD.by_flag = 0
BEGIN
  UPDATE quotas SET used = used - 1 WHERE project_id = OLD.project_id AND resource = 'rbac_policy';
END;
INSERT INTO rbac_policies (id, project_id, object_type, object_id, action, target, by_flag, created_at)
  SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    project_id, 'network', id, 'access_as_shared', '*', true, updated_at FROM networks WHERE shared = 1;
INSERT INTO rbac_policies (id, project_id, object_type, object_id, action, target, by_flag, created_at)
  SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    project_id, 'subnetpool', id, 'access_as_shared', '*', true, updated_at FROM subnet_pools WHERE shared = 1;
INSERT INTO rbac_policies (id, project_id, object_type, object_id, action, target, by_flag, created_at)
  SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    project_id, 'address_scope', id, 'access_as_shared', '*', true, created_at FROM address_scopes WHERE shared = 1;
