-- Guards: conditions that undo a whole batch, because an UPDATE of no rows does not.
CREATE TRIGGER guards_refuse BEFORE INSERT ON guards
BEGIN
  SELECT RAISE(ABORT, 'refused:guard:' || NEW.broken);
END;
CREATE TRIGGER quotas_refuse_insert BEFORE INSERT ON quotas
WHEN (NEW.used < 0 OR (NEW.maximum >= 0 AND NEW.used > NEW.maximum))
  -- an upsert fires this before it turns into an update; the update has its own trigger
  AND NOT EXISTS (SELECT 1 FROM quotas WHERE project_id = NEW.project_id AND resource = NEW.resource)
BEGIN
  SELECT RAISE(ABORT, 'refused:quota:' || NEW.resource);
END;
CREATE TRIGGER quotas_refuse_update BEFORE UPDATE OF used ON quotas
WHEN NEW.used < 0 OR (NEW.used > OLD.used AND NEW.maximum >= 0 AND NEW.used > NEW.maximum)
BEGIN
  SELECT RAISE(ABORT, 'refused:quota:' || NEW.resource);
END;
-- What is adopted to be looked at, or is on a cloud that is connected read-only, is not changed: no intent about it gets
-- into the database, whoever has it. A volume that somebody else took out of a server may be let go of: it is out.
CREATE TRIGGER bindings_refuse_change BEFORE UPDATE OF revision, want ON bindings
WHEN (NEW.revision > OLD.revision OR NEW.want <> OLD.want)
  AND NOT (OLD.kind = 'attachment' AND OLD.missing >= 3)
  AND (OLD.ownership <> 'ours' OR EXISTS (SELECT 1 FROM clouds WHERE id = OLD.cloud_id AND options ->> 'read_only'))
BEGIN
  SELECT RAISE(ABORT, 'refused:guard:' || iif(OLD.ownership = 'ours', 'read-only', OLD.ownership));
END;
CREATE TRIGGER bindings_refuse_read_only BEFORE INSERT ON bindings
WHEN NEW.phase = 'intent' AND EXISTS (SELECT 1 FROM clouds WHERE id = NEW.cloud_id AND options ->> 'read_only')
BEGIN
  SELECT RAISE(ABORT, 'refused:guard:read-only');
END;
-- Nothing new leans on it either: no volume or port in its server, no image of it, no port on its network.
CREATE TRIGGER bindings_refuse_leaning BEFORE INSERT ON bindings
WHEN NEW.phase = 'intent' AND EXISTS (SELECT 1 FROM bindings b WHERE b.ownership <> 'ours' AND b.kind <> 'image' AND (b.resource_id IN (
  SELECT NEW.scope
  UNION ALL SELECT server_id FROM attachments WHERE id = NEW.resource_id
  UNION ALL SELECT volume_id FROM attachments WHERE id = NEW.resource_id
  UNION ALL SELECT server_id FROM interfaces WHERE id = NEW.resource_id
  UNION ALL SELECT port_id FROM interfaces WHERE id = NEW.resource_id) OR b.resource_id IN (
  SELECT port_id FROM server_ports WHERE server_id = NEW.resource_id
  UNION ALL SELECT server_id FROM images WHERE id = NEW.resource_id
  UNION ALL SELECT volume_id FROM snapshots WHERE id = NEW.resource_id
  UNION ALL SELECT network_id FROM ports WHERE id = NEW.resource_id
  UNION ALL SELECT network_id FROM subnets WHERE id = NEW.resource_id)))
BEGIN
  SELECT RAISE(ABORT, 'refused:guard:foreign');
END;
CREATE TRIGGER floating_ips_refuse_insert BEFORE INSERT ON floating_ips
WHEN EXISTS (SELECT 1 FROM bindings b WHERE b.resource_id = NEW.port_id AND b.ownership <> 'ours')
BEGIN
  SELECT RAISE(ABORT, 'refused:guard:foreign');
END;
CREATE TRIGGER floating_ips_refuse_update BEFORE UPDATE OF port_id ON floating_ips
WHEN EXISTS (SELECT 1 FROM bindings b WHERE b.resource_id = NEW.port_id AND b.ownership <> 'ours')
BEGIN
  SELECT RAISE(ABORT, 'refused:guard:foreign');
END;
