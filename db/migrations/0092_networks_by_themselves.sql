CREATE TABLE `auto_topologies` (
	`project_id` text PRIMARY KEY NOT NULL,
	`network_id` text NOT NULL,
	`router_id` text NOT NULL
);

CREATE INDEX `auto_topologies_by_network` ON `auto_topologies` (`network_id`);
-- It goes with its network.
CREATE TRIGGER networks_auto_topology_delete AFTER DELETE ON networks
BEGIN
  DELETE FROM auto_topologies WHERE network_id = OLD.id;
END;
