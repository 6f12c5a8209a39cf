CREATE TABLE `image_members` (
	`image_id` text NOT NULL,
	`member_id` text NOT NULL,
	`status` text DEFAULT 'pending' NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`image_id`, `member_id`)
);

CREATE INDEX `image_members_by_member` ON `image_members` (`member_id`,`status`,`image_id`);