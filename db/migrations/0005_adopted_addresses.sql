-- A public address that leads to a port before either is known here comes with that port, whoever may change it.
DROP TRIGGER IF EXISTS floating_ips_refuse_insert;
CREATE TRIGGER floating_ips_refuse_insert BEFORE INSERT ON floating_ips
WHEN EXISTS (SELECT 1 FROM bindings b WHERE b.resource_id = NEW.port_id AND b.ownership <> 'ours')
  AND NOT EXISTS (SELECT 1 FROM bindings f WHERE f.resource_id = NEW.id AND f.kind = 'floating_ip' AND f.phase = 'bound')
BEGIN
  SELECT RAISE(ABORT, 'refused:guard:foreign');
END;
