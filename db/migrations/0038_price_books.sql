CREATE TABLE `price_books` (
	`cloud_id` text PRIMARY KEY NOT NULL,
	`book` text NOT NULL,
	`as_of` integer NOT NULL
);

CREATE TABLE `__new_prices` (
	`cloud_id` text NOT NULL,
	`size` text NOT NULL,
	`option` text NOT NULL,
	`zone` text DEFAULT '' NOT NULL,
	`booked` integer DEFAULT false NOT NULL,
	`amount` integer NOT NULL,
	`currency` text NOT NULL,
	`as_of` integer NOT NULL,
	`source` text NOT NULL,
	PRIMARY KEY(`cloud_id`, `size`, `option`, `zone`, `booked`)
);

INSERT INTO `__new_prices`("cloud_id", "size", "option", "zone", "booked", "amount", "currency", "as_of", "source") SELECT "cloud_id", "size", "option", "zone", 0, "amount", "currency", "as_of", "source" FROM `prices`;
DROP TABLE `prices`;
ALTER TABLE `__new_prices` RENAME TO `prices`;