CREATE TABLE `port_address_pairs` (
	`port_id` text NOT NULL,
	`address` text NOT NULL,
	`mac` text NOT NULL,
	PRIMARY KEY(`port_id`, `address`, `mac`)
);

CREATE INDEX `port_address_pairs_by_address` ON `port_address_pairs` (`address`);