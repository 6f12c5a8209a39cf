CREATE TABLE `prices` (
	`cloud_id` text NOT NULL,
	`size` text NOT NULL,
	`option` text NOT NULL,
	`zone` text DEFAULT '' NOT NULL,
	`amount` integer NOT NULL,
	`currency` text NOT NULL,
	`as_of` integer NOT NULL,
	`source` text NOT NULL,
	PRIMARY KEY(`cloud_id`, `size`, `option`, `zone`)
);

CREATE TABLE `rates` (
	`currency` text PRIMARY KEY NOT NULL,
	`rate` real NOT NULL,
	`base` integer DEFAULT false NOT NULL,
	`as_of` integer NOT NULL
);

INSERT INTO `rates` (`currency`, `rate`, `base`, `as_of`) SELECT 'USD', 1, 1, 0 FROM `domains` WHERE `id` = 'default';
INSERT INTO `prices` (`cloud_id`, `size`, `option`, `amount`, `currency`, `as_of`, `source`)
	SELECT o.`cloud_id`, o.`name`, 'on-demand', cast(round(o.`price` * 1000000) as integer), coalesce(o.`currency`, 'USD'),
		coalesce(c.`inventory_at`, 0), CASE WHEN c.`type` = 'sandbox' THEN 'provider' ELSE 'operator' END
	FROM `offers` o JOIN `clouds` c ON c.`id` = o.`cloud_id` WHERE o.`price` IS NOT NULL;
ALTER TABLE `offers` DROP COLUMN `price`;
ALTER TABLE `offers` DROP COLUMN `currency`;