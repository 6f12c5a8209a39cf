-- Blocks are written in lower case, as every look tells them.
UPDATE security_group_rules SET remote_ip_prefix = lower(remote_ip_prefix) WHERE remote_ip_prefix <> lower(remote_ip_prefix);
--> statement-breakpoint
-- Rules that mean the same are one: a protocol is its number, and from anywhere is from no place in particular. Of two
-- that were let in before, one keeps its old signature.
UPDATE OR IGNORE security_group_rules SET signature =
  direction || '|' || ethertype || '|' ||
  CASE
    WHEN protocol IS NULL THEN ''
    WHEN protocol IN ('icmp', '1') AND ethertype = 'IPv6' THEN '58'
    ELSE coalesce((SELECT value FROM json_each('{"ah":51,"dccp":33,"egp":8,"esp":50,"gre":47,"icmp":1,"icmpv6":58,"igmp":2,"ipip":4,"ipv6-encap":41,"ipv6-frag":44,"ipv6-icmp":58,"ipv6-nonxt":59,"ipv6-opts":60,"ipv6-route":43,"ospf":89,"pgm":113,"rsvp":46,"sctp":132,"tcp":6,"udp":17,"udplite":136,"vrrp":112}') WHERE key = protocol), protocol)
  END || '|' || coalesce(port_range_min, '') || '|' || coalesce(port_range_max, '') || '|' ||
  CASE WHEN remote_ip_prefix IN ('0.0.0.0/0', '::/0') THEN '' ELSE coalesce(remote_ip_prefix, '') END || '|' ||
  coalesce(remote_group_id, '');
