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
