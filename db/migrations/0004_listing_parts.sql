CREATE TABLE `listing_parts` (
	`listing` text NOT NULL,
	`part` integer NOT NULL,
	`shown` text NOT NULL,
	PRIMARY KEY(`listing`, `part`)
);
