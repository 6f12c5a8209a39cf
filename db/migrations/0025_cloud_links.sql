CREATE TABLE `cloud_links` (
	`one` text NOT NULL,
	`other` text NOT NULL,
	`reach` text NOT NULL,
	PRIMARY KEY(`one`, `other`)
);
