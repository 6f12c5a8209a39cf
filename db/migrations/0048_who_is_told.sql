CREATE TABLE `deliveries` (
	`webhook_id` text NOT NULL,
	`seq` integer NOT NULL,
	`notice_id` text NOT NULL,
	`type` text NOT NULL,
	`resource_id` text NOT NULL,
	`status` text NOT NULL,
	`tries` integer DEFAULT 0 NOT NULL,
	`due_at` integer,
	`tried_at` integer,
	`answer_status` integer,
	`answer` text,
	`error` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`webhook_id`, `seq`)
);

CREATE INDEX `deliveries_by_notice` ON `deliveries` (`webhook_id`,`notice_id`);
CREATE INDEX `deliveries_due` ON `deliveries` (`webhook_id`,`due_at`) WHERE due_at IS NOT NULL;
CREATE INDEX `deliveries_waiting` ON `deliveries` (`webhook_id`,`resource_id`,`seq`) WHERE status = 'pending';
CREATE INDEX `deliveries_by_time` ON `deliveries` (`created_at`);
CREATE TABLE `webhooks` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text NOT NULL,
	`url` text NOT NULL,
	`types` text DEFAULT '[]' NOT NULL,
	`secret` text NOT NULL,
	`enabled` integer DEFAULT true NOT NULL,
	`disabled_reason` text,
	`failing_since` integer,
	`due_at` integer,
	`lease_until` integer DEFAULT 0 NOT NULL,
	`fence` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);

CREATE INDEX `webhooks_by_project` ON `webhooks` (`project_id`,`created_at`,`id`);
CREATE INDEX `webhooks_by_time` ON `webhooks` (`created_at`,`id`);
CREATE INDEX `webhooks_due` ON `webhooks` (`due_at`) WHERE due_at IS NOT NULL;
CREATE INDEX `webhooks_sealed` ON `webhooks` (substr(secret, 1, 12));
-- A notice is on its way to every webhook that wants it as soon as it is written; of one resource they go one after the other.
CREATE TRIGGER notices_delivered AFTER INSERT ON notices
BEGIN
  INSERT INTO deliveries (webhook_id, seq, notice_id, type, resource_id, status, due_at, created_at)
    SELECT w.id, NEW.seq, NEW.id, NEW.type, NEW.resource_id, 'pending',
      CASE WHEN EXISTS (SELECT 1 FROM deliveries d WHERE d.webhook_id = w.id AND d.resource_id = NEW.resource_id AND d.status = 'pending') THEN NULL ELSE NEW.at END, NEW.at
    FROM webhooks w WHERE w.project_id = NEW.project_id AND w.enabled AND CASE NEW.type WHEN 'webhook.test' THEN w.id = NEW.resource_id
      ELSE w.types = '[]' OR EXISTS (SELECT 1 FROM json_each(w.types) t WHERE t.value = NEW.type) END;
END;
CREATE TRIGGER deliveries_begun AFTER INSERT ON deliveries
WHEN NEW.due_at IS NOT NULL
BEGIN
  UPDATE webhooks SET due_at = NEW.due_at WHERE id = NEW.webhook_id AND (due_at IS NULL OR due_at > NEW.due_at);
END;
CREATE TRIGGER webhooks_more AFTER INSERT ON webhooks
BEGIN
  INSERT INTO listeners (project_id) SELECT NEW.project_id WHERE NOT EXISTS (SELECT 1 FROM listeners WHERE project_id = NEW.project_id);
  UPDATE listeners SET seq = seq + (NEW.enabled AND webhooks = 0 AND until <= NEW.updated_at), webhooks = webhooks + NEW.enabled WHERE project_id = NEW.project_id;
END;
CREATE TRIGGER webhooks_switched AFTER UPDATE OF enabled ON webhooks
WHEN OLD.enabled <> NEW.enabled
BEGIN
  UPDATE listeners SET seq = seq + (NEW.enabled AND webhooks = 0 AND until <= NEW.updated_at), webhooks = webhooks + NEW.enabled - OLD.enabled WHERE project_id = NEW.project_id;
  UPDATE deliveries SET status = 'failed', due_at = NULL, error = coalesce(error || ' ', '') || 'The webhook was switched off.'
    WHERE webhook_id = NEW.id AND status = 'pending' AND NOT NEW.enabled;
END;
CREATE TRIGGER webhooks_less AFTER DELETE ON webhooks
BEGIN
  UPDATE listeners SET webhooks = webhooks - OLD.enabled WHERE project_id = OLD.project_id;
  DELETE FROM deliveries WHERE webhook_id = OLD.id;
END;
