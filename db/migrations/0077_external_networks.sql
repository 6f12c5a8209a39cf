DROP INDEX `floating_ips_floating_ip_address_unique`;
CREATE UNIQUE INDEX `floating_ips_by_address` ON `floating_ips` (`floating_ip_address`,`floating_network_id`);
CREATE INDEX `floating_ips_by_network` ON `floating_ips` (`floating_network_id`,`port_id`);
CREATE INDEX `routers_by_gateway` ON `routers` (`external_network_id`) WHERE external_network_id IS NOT NULL;
-- The port of a gateway, or of a floating IP, gives its addresses back as it goes. While a cloud still has them nobody is given
-- one by chance.
CREATE TRIGGER ports_outside_release AFTER DELETE ON ports WHEN OLD.device_owner IN ('network:router_gateway', 'network:floatingip')
BEGIN
  INSERT OR IGNORE INTO lingering_addresses (subnet_id, address, port_id)
    SELECT subnet_id, address, OLD.device_id FROM ip_allocations WHERE port_id = OLD.id AND EXISTS (SELECT 1 FROM bindings b
      WHERE b.kind IN ('floating_ip', 'router') AND b.resource_id = OLD.device_id AND b.want = 'absent' AND b.phase NOT IN ('gone', 'failed'));
  DELETE FROM ip_allocations WHERE port_id = OLD.id;
END;
