-- Ports on ways out, as Neutron keeps them: one for the gateway of a router, one for a floating IP. They are no project's.
CREATE TRIGGER routers_gateway_insert AFTER INSERT ON routers WHEN NEW.external_network_id IS NOT NULL
BEGIN
  INSERT INTO ports (id, project_id, name, network_id, mac_address, device_id, device_owner, port_security, status, created_at, updated_at)
  SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    '', '', NEW.external_network_id, lower('fa:' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1))),
    NEW.id, 'network:router_gateway', false, 'ACTIVE', NEW.updated_at, NEW.updated_at;
END;
CREATE TRIGGER routers_gateway_leave AFTER UPDATE OF external_network_id ON routers WHEN NEW.external_network_id IS NOT OLD.external_network_id AND OLD.external_network_id IS NOT NULL
BEGIN
  DELETE FROM ports WHERE device_id = OLD.id AND device_owner = 'network:router_gateway';
END;
CREATE TRIGGER routers_gateway_join AFTER UPDATE OF external_network_id ON routers WHEN NEW.external_network_id IS NOT OLD.external_network_id AND NEW.external_network_id IS NOT NULL
BEGIN
  INSERT INTO ports (id, project_id, name, network_id, mac_address, device_id, device_owner, port_security, status, created_at, updated_at)
  SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    '', '', NEW.external_network_id, lower('fa:' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1))),
    NEW.id, 'network:router_gateway', false, 'ACTIVE', NEW.updated_at, NEW.updated_at;
END;
CREATE TRIGGER routers_gateway_delete AFTER DELETE ON routers
BEGIN
  DELETE FROM ports WHERE device_id = OLD.id AND device_owner = 'network:router_gateway';
END;
CREATE TRIGGER floating_ips_port_insert AFTER INSERT ON floating_ips
BEGIN
  INSERT INTO ports (id, project_id, name, network_id, mac_address, device_id, device_owner, port_security, status, created_at, updated_at)
  SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    '', '', NEW.floating_network_id, lower('fa:' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1))),
    NEW.id, 'network:floatingip', false, 'N/A', NEW.updated_at, NEW.updated_at;
END;
CREATE TRIGGER floating_ips_port_delete AFTER DELETE ON floating_ips
BEGIN
  DELETE FROM ports WHERE device_id = OLD.id AND device_owner = 'network:floatingip';
END;
-- Those that are there already.
INSERT INTO ports (id, project_id, name, network_id, mac_address, device_id, device_owner, port_security, status, created_at, updated_at)
  SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    '', '', external_network_id, lower('fa:' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1))),
    id, 'network:router_gateway', false, 'ACTIVE', updated_at, updated_at FROM routers WHERE external_network_id IS NOT NULL;
INSERT INTO ports (id, project_id, name, network_id, mac_address, device_id, device_owner, port_security, status, created_at, updated_at)
  SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    '', '', floating_network_id, lower('fa:' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1)) || ':' || hex(randomblob(1))),
    id, 'network:floatingip', false, 'N/A', updated_at, updated_at FROM floating_ips;
