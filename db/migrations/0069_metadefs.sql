CREATE TABLE `metadef_items` (
	`namespace_id` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`body` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`namespace_id`, `kind`, `name`)
);

CREATE INDEX `metadef_items_by_name` ON `metadef_items` (`kind`,`name`);
CREATE TABLE `metadef_namespaces` (
	`id` text PRIMARY KEY NOT NULL,
	`namespace` text NOT NULL,
	`project_id` text,
	`display_name` text,
	`description` text,
	`visibility` text DEFAULT 'private' NOT NULL,
	`protected` integer DEFAULT false NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);

CREATE UNIQUE INDEX `metadef_namespaces_namespace_unique` ON `metadef_namespaces` (`namespace`);