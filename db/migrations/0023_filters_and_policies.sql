ALTER TABLE `servers` ADD `filters` text;
ALTER TABLE `projects` ADD `policy` text;
ALTER TABLE `ports` ADD `filters` text;

-- What is there was placed by what its cloud can.
UPDATE servers SET filters = (SELECT CASE c.type WHEN 'vsphere' THEN 'none' ELSE 'enforced' END FROM clouds c WHERE c.id = servers.cloud_id)
WHERE cloud_id IS NOT NULL;
UPDATE ports SET filters = (SELECT CASE c.type WHEN 'vsphere' THEN 'none' ELSE 'enforced' END
  FROM networks n JOIN clouds c ON c.id = n.cloud_id WHERE n.id = ports.network_id)
WHERE device_owner LIKE 'compute:%';
