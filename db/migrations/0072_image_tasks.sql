CREATE TABLE `image_tasks` (
	`id` text PRIMARY KEY NOT NULL,
	`image_id` text NOT NULL,
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`request_id` text NOT NULL,
	`type` text NOT NULL,
	`status` text NOT NULL,
	`input` text NOT NULL,
	`result` text,
	`message` text DEFAULT '' NOT NULL,
	`work` text,
	`due_at` integer,
	`lease_until` integer DEFAULT 0 NOT NULL,
	`fence` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`expires_at` integer
);

CREATE INDEX `image_tasks_due` ON `image_tasks` (`due_at`) WHERE due_at IS NOT NULL;
CREATE INDEX `image_tasks_by_image` ON `image_tasks` (`image_id`,`created_at`);
CREATE INDEX `image_tasks_by_time` ON `image_tasks` (`created_at`,`id`);
CREATE INDEX `image_tasks_over` ON `image_tasks` (`expires_at`) WHERE expires_at IS NOT NULL;