CREATE TABLE `console_words` (
	`word` text PRIMARY KEY NOT NULL,
	`server_id` text NOT NULL,
	`protocol` text NOT NULL,
	`type` text NOT NULL,
	`asker` text NOT NULL,
	`expires_at` integer NOT NULL
);

CREATE INDEX `console_words_by_server` ON `console_words` (`server_id`,`expires_at`);
CREATE INDEX `console_words_by_end` ON `console_words` (`expires_at`);