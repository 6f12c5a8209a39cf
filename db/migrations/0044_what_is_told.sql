CREATE TABLE `listeners` (
	`project_id` text PRIMARY KEY NOT NULL,
	`seq` integer DEFAULT 0 NOT NULL,
	`webhooks` integer DEFAULT 0 NOT NULL,
	`until` integer DEFAULT 0 NOT NULL
);

CREATE TABLE `notices` (
	`project_id` text NOT NULL,
	`seq` integer NOT NULL,
	`id` text NOT NULL,
	`type` text NOT NULL,
	`kind` text NOT NULL,
	`resource_id` text NOT NULL,
	`at` integer NOT NULL,
	`data` text NOT NULL,
	PRIMARY KEY(`project_id`, `seq`)
);

CREATE INDEX `notices_by_time` ON `notices` (`at`);
-- What is told is written where it comes about, so that no way to bring it about can forget it; where nobody listens nothing is written.
CREATE TRIGGER notices_counted AFTER INSERT ON notices
BEGIN
  UPDATE listeners SET seq = NEW.seq WHERE project_id = NEW.project_id;
END;
CREATE TRIGGER told_server_begun AFTER INSERT ON servers
WHEN EXISTS (SELECT 1 FROM listeners WHERE project_id = NEW.project_id)
BEGIN
  INSERT INTO notices (project_id, seq, id, type, kind, resource_id, at, data)
    SELECT l.project_id, l.seq + 1, 'msg_' || lower(hex(randomblob(16))), 'server.status', 'server', NEW.id, NEW.updated_at, json_object('name', NEW.name, 'status', NEW.status, 'before', NULL, 'task', NEW.task_state, 'fault', substr(NEW.fault ->> '$.message', 1, 500))
    FROM listeners l WHERE l.project_id = NEW.project_id AND (l.webhooks > 0 OR l.until > NEW.updated_at);
  INSERT INTO notices (project_id, seq, id, type, kind, resource_id, at, data)
    SELECT l.project_id, l.seq + 1, 'msg_' || lower(hex(randomblob(16))), 'server.placed', 'server', NEW.id, NEW.updated_at, json_object('name', NEW.name, 'cloud', (SELECT name FROM clouds WHERE id = NEW.cloud_id), 'zone', (SELECT name FROM clouds WHERE id = NEW.cloud_id) || '.' || NEW.zone,
      'size', NEW.places ->> '$.at.native', 'option', NEW.places ->> '$.at.option', 'before', NULL)
    FROM listeners l WHERE l.project_id = NEW.project_id AND (l.webhooks > 0 OR l.until > NEW.updated_at) AND NEW.cloud_id IS NOT NULL;
END;
CREATE TRIGGER told_server_changed AFTER UPDATE OF status, cloud_id, zone ON servers
WHEN (OLD.status <> NEW.status OR OLD.cloud_id IS NOT NEW.cloud_id OR OLD.zone IS NOT NEW.zone)
  AND EXISTS (SELECT 1 FROM listeners WHERE project_id = NEW.project_id)
BEGIN
  INSERT INTO notices (project_id, seq, id, type, kind, resource_id, at, data)
    SELECT l.project_id, l.seq + 1, 'msg_' || lower(hex(randomblob(16))), 'server.placed', 'server', NEW.id, NEW.updated_at, json_object('name', NEW.name, 'cloud', (SELECT name FROM clouds WHERE id = NEW.cloud_id), 'zone', (SELECT name FROM clouds WHERE id = NEW.cloud_id) || '.' || NEW.zone,
      'size', NEW.places ->> '$.at.native', 'option', NEW.places ->> '$.at.option', 'before', (SELECT name FROM clouds WHERE id = OLD.cloud_id) || '.' || OLD.zone)
    FROM listeners l WHERE l.project_id = NEW.project_id AND (l.webhooks > 0 OR l.until > NEW.updated_at)
      AND NEW.cloud_id IS NOT NULL AND (OLD.cloud_id IS NOT NEW.cloud_id OR OLD.zone IS NOT NEW.zone);
  INSERT INTO notices (project_id, seq, id, type, kind, resource_id, at, data)
    SELECT l.project_id, l.seq + 1, 'msg_' || lower(hex(randomblob(16))), 'server.status', 'server', NEW.id, NEW.updated_at, json_object('name', NEW.name, 'status', NEW.status, 'before', OLD.status, 'task', NEW.task_state, 'fault', substr(NEW.fault ->> '$.message', 1, 500))
    FROM listeners l WHERE l.project_id = NEW.project_id AND (l.webhooks > 0 OR l.until > NEW.updated_at) AND OLD.status <> NEW.status;
END;
CREATE TRIGGER told_server_event AFTER INSERT ON server_actions
WHEN NEW.state IN ('done', 'failed') AND EXISTS (SELECT 1 FROM listeners WHERE project_id = NEW.project_id)
BEGIN
  INSERT INTO notices (project_id, seq, id, type, kind, resource_id, at, data)
    SELECT l.project_id, l.seq + 1, 'msg_' || lower(hex(randomblob(16))), 'server.' || NEW.action, 'server', NEW.server_id, NEW.started_at, json_object('message', substr(NEW.message, 1, 500), 'request_id', NEW.request_id)
    FROM listeners l WHERE l.project_id = NEW.project_id AND (l.webhooks > 0 OR l.until > NEW.started_at);
END;
CREATE TRIGGER told_drift AFTER INSERT ON drift
WHEN EXISTS (SELECT 1 FROM listeners WHERE project_id = NEW.project_id)
BEGIN
  INSERT INTO notices (project_id, seq, id, type, kind, resource_id, at, data)
    SELECT l.project_id, l.seq + 1, 'msg_' || lower(hex(randomblob(16))), 'drift.found', NEW.kind, NEW.resource_id, NEW.first_seen_at, json_object('what', NEW.what, 'cloud', (SELECT name FROM clouds WHERE id = NEW.cloud_id), 'intent', substr(NEW.intent, 1, 500), 'observed', substr(NEW.observed, 1, 500))
    FROM listeners l WHERE l.project_id = NEW.project_id AND (l.webhooks > 0 OR l.until > NEW.first_seen_at);
END;
