CREATE TABLE `default_security_group_rules` (
	`id` text PRIMARY KEY NOT NULL,
	`direction` text NOT NULL,
	`ethertype` text NOT NULL,
	`protocol` text,
	`port_range_min` integer,
	`port_range_max` integer,
	`remote_ip_prefix` text,
	`remote_group_id` text,
	`remote_address_group_id` text,
	`description` text DEFAULT '' NOT NULL,
	`signature` text NOT NULL,
	`used_in_default` integer NOT NULL,
	`used_in_others` integer NOT NULL,
	`created_at` integer NOT NULL
);

CREATE UNIQUE INDEX `default_security_group_rules_in_default` ON `default_security_group_rules` (`signature`) WHERE used_in_default = 1;
CREATE UNIQUE INDEX `default_security_group_rules_in_others` ON `default_security_group_rules` (`signature`) WHERE used_in_others = 1;
-- What groups began with before there was a choice: everything out, and members of the default group reach each other.
INSERT INTO `default_security_group_rules` (`id`, `direction`, `ethertype`, `remote_group_id`, `description`, `signature`, `used_in_default`, `used_in_others`, `created_at`) VALUES
	('0e9c2a86-4c0b-4d0e-9a53-5f1de0a40001', 'egress', 'IPv4', NULL, 'Legacy default SG rule for egress traffic', 'egress|IPv4|||||', 1, 1, 0),
	('0e9c2a86-4c0b-4d0e-9a53-5f1de0a40002', 'egress', 'IPv6', NULL, 'Legacy default SG rule for egress traffic', 'egress|IPv6|||||', 1, 1, 0),
	('0e9c2a86-4c0b-4d0e-9a53-5f1de0a40003', 'ingress', 'IPv4', 'PARENT', 'Legacy default SG rule for ingress traffic', 'ingress|IPv4|||||PARENT', 1, 0, 0),
	('0e9c2a86-4c0b-4d0e-9a53-5f1de0a40004', 'ingress', 'IPv6', 'PARENT', 'Legacy default SG rule for ingress traffic', 'ingress|IPv6|||||PARENT', 1, 0, 0);
