-- What is on several clouds may be otherwise than asked for on each: the key has the cloud, which SQLite only lets a new table say.
CREATE TABLE `__new_drift` (
	`kind` text NOT NULL,
	`resource_id` text NOT NULL,
	`what` text NOT NULL,
	`cloud_id` text NOT NULL,
	`project_id` text NOT NULL,
	`intent` text NOT NULL,
	`observed` text NOT NULL,
	`first_seen_at` integer NOT NULL,
	PRIMARY KEY(`kind`, `resource_id`, `what`, `cloud_id`)
);

INSERT INTO `__new_drift`("kind", "resource_id", "what", "cloud_id", "project_id", "intent", "observed", "first_seen_at") SELECT "kind", "resource_id", "what", "cloud_id", "project_id", "intent", "observed", "first_seen_at" FROM `drift`;
DROP TABLE `drift`;
ALTER TABLE `__new_drift` RENAME TO `drift`;
-- It went with the table.
CREATE TRIGGER told_drift AFTER INSERT ON drift
WHEN EXISTS (SELECT 1 FROM listeners WHERE project_id = NEW.project_id)
BEGIN
  INSERT INTO notices (project_id, seq, id, type, kind, resource_id, at, data)
    SELECT l.project_id, l.seq + 1, 'msg_' || lower(hex(randomblob(16))), 'drift.found', NEW.kind, NEW.resource_id, NEW.first_seen_at, json_object('what', NEW.what, 'cloud', (SELECT name FROM clouds WHERE id = NEW.cloud_id), 'intent', substr(NEW.intent, 1, 500), 'observed', substr(NEW.observed, 1, 500))
    FROM listeners l WHERE l.project_id = NEW.project_id AND (l.webhooks > 0 OR l.until > NEW.first_seen_at);
END;
