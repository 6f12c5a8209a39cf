ALTER TABLE `drift` ADD `settled_at` integer;
ALTER TABLE `webhooks` ADD `previous_secret` text;
ALTER TABLE `webhooks` ADD `previous_secret_until` integer;
CREATE INDEX `webhooks_sealed_before` ON `webhooks` (substr(previous_secret, 1, 12)) WHERE previous_secret is not null;
CREATE INDEX `webhooks_rotated` ON `webhooks` (`previous_secret_until`) WHERE previous_secret_until is not null;
CREATE INDEX `notices_by_id` ON `notices` (`project_id`,`id`);
CREATE INDEX `notices_of_project_by_time` ON `notices` (`project_id`,`at`,`seq`);
-- The end of a difference is told as its beginning is. A row that goes has no time of its own, so it is written first.
CREATE TRIGGER told_drift_settled AFTER UPDATE OF settled_at ON drift
WHEN NEW.settled_at IS NOT NULL
BEGIN
  INSERT INTO notices (project_id, seq, id, type, kind, resource_id, at, data)
    SELECT l.project_id, l.seq + 1, 'msg_' || lower(hex(randomblob(16))), 'drift.settled', NEW.kind, NEW.resource_id, NEW.settled_at, json_object('what', NEW.what, 'cloud', (SELECT name FROM clouds WHERE id = NEW.cloud_id), 'intent', substr(NEW.intent, 1, 500), 'observed', substr(NEW.observed, 1, 500),
      'since', strftime('%Y-%m-%dT%H:%M:%fZ', NEW.first_seen_at / 1000.0, 'unixepoch'))
    FROM listeners l WHERE l.project_id = NEW.project_id AND (l.webhooks > 0 OR l.until > NEW.settled_at);
  DELETE FROM drift WHERE kind = NEW.kind AND resource_id = NEW.resource_id AND what = NEW.what AND cloud_id = NEW.cloud_id;
END;
