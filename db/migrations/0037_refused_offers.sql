CREATE TABLE `refused_offers` (
	`cloud_id` text NOT NULL,
	`zone` text NOT NULL,
	`size` text NOT NULL,
	`option` text NOT NULL,
	`project_id` text DEFAULT '' NOT NULL,
	`shortage` text NOT NULL,
	`words` text NOT NULL,
	`at` integer NOT NULL,
	`until` integer NOT NULL,
	PRIMARY KEY(`cloud_id`, `zone`, `size`, `option`, `project_id`)
);

CREATE INDEX `refused_offers_by_end` ON `refused_offers` (`until`);