ALTER TABLE `servers` ADD `keypair` text;

-- The keys that servers have by the name of today: it was looked up anew whenever one was needed.
UPDATE `servers` SET `keypair` = (
  SELECT json_object('id', k.`id`, 'publicKey', k.`public_key`, 'fingerprint', k.`fingerprint`) FROM `keypairs` k
  WHERE k.`user_id` = `servers`.`user_id` AND k.`name` = `servers`.`key_name`
) WHERE `key_name` IS NOT NULL;
