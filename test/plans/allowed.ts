/** Statements whose cost grows with what is stored, told by their text, and why that is as it should be. */
export const ALLOWED: { like: RegExp; because: string }[] = [
  {
    like: /update servers set spilled = not spilled where/,
    because: 'Another cloud is home, which is said a few times a year: what has spilled is counted anew, all at once.',
  },
  {
    like: /from servers s indexed by servers_on_cloud where s\.cloud_id = \?1? and s\.zone = \?2?/,
    because: 'Placement shows administrators all allocations of a provider, and has no pages.',
  },
  // Lists in an order, or by a filter, that has no index.
  {
    like: /select s\.rowid as chosen from servers s/,
    because:
      'An order without an index: keys alone are put in order, of one project unless an administrator asks for all.',
  },
  {
    like: /from "(\w+)" .*order by (?!"\1"\."created_at" (asc|desc), "\1"\."id")/s,
    because:
      'A list of Cinder, Glance or Neutron by another key than its time: an index for each would cost every change.',
  },
  {
    like: /from \(select (\w\.)?(port_)?id from (port_security_groups|ip_allocations|clouds|"ports") .* limit iif\(/s,
    because:
      'Ports by group, address, subnet, host or change: where it has few they are sorted, where many the order is gone along.',
  },
  {
    like: /from "ports" where \(1 and "ports"\."name" in \(select value/,
    because: 'Ports of all projects by several names: those that have them are put in order.',
  },
  {
    like: /indexed by servers_(by_launch|terminated) where .* between /,
    because: 'What began or ended within one second is put in order: as many as a project gets at once.',
  },
  {
    like: /from "networks" where .*"networks"\."shared" = 1/s,
    because: 'What a project sees is its own, what is shared and its ways out: as many as its quota of networks.',
  },
  {
    like: /from "(subnets|segments)" where .*select (n\.)?id from networks (n )?where/s,
    because: 'Subnets and segments that a project sees are those of such networks: as many as its quota.',
  },
  {
    like: /from "(subnet_pools|address_scopes|qos_policies)" where .*"\1"\."shared" = 1/s,
    because: 'What a project sees is its own and what is shared: as many as its quota of these.',
  },
  {
    like: /from "(security_groups|address_groups)" where .*select a\.object_id from rbac_policies a/s,
    because: 'What a project that is lent groups sees is its own and those: as many as its quota of these.',
  },
  {
    like: /exists \(select 1 from (address_scope_prefixes|subnet_pool_ranges) [pr] where [pr]\.\w+_id = .* < n\.value/s,
    because: 'Whether there is one of a range: the first that is found ends the look.',
  },
  {
    like: /exists \(select 1 from (ports|port_security_groups|networks|subnets|subnet_pools) [gu]\b.*from rbac_policies r/s,
    because: 'Whether somebody uses what ceases to be shared, once: the first that is found ends the look.',
  },
  {
    like: /^update bindings set .* kind = 'port' and want = 'present' and resource_id in \(select .*qos_policy_id/s,
    because:
      'Rules of quality of service change: every port that goes by them is told, and each has a binding that is written.',
  },
  {
    like: /^select id from \(select (id from ports where qos_policy_id|p\.id from ports p where p\.network_id) = .* is null/s,
    because: 'Some of the ports that go by a policy: the look ends when a hundred are found.',
  },
  {
    like: /delete from "segments" where "segments"\."cloud_id" = /,
    because: 'A cloud that is taken away takes its segments along.',
  },
  {
    like: /from segments g where .*exists \(select 1 from subnets s join ip_allocations a/s,
    because: 'Whether a server is in a segment: the first address that one has ends the look.',
  },
  {
    like: /select s\.cidr, 0 from segments g\s+join subnets s/,
    because: 'Ranges that a project has on a cloud when a network of it grows: as many as its quota of subnets.',
  },
  {
    like: /delete from subnet_pool_(space|shares) where pool_id = /,
    because: 'A pool that goes has no subnets: what is free of it is its prefixes, and a row for each project is left.',
  },
  {
    like: /from subnets s cross join subnets o on o\.network_id = s\.network_id\s+where s\.subnetpool_id = /,
    because: 'A pool that comes to another scope, which is rare: its subnets, up to the first that lies beside others.',
  },
  {
    like: /p\.network_id in \(select id from networks where/,
    because: 'Of a server that names no network, all that its project could mean: as many as its quota.',
  },
  {
    like: /from "images" where .*"images"\."visibility"/s,
    because: 'What a project sees is its own and what its clouds show: as many as its quota and their catalogues.',
  },
  {
    like: /from "security_groups" where \("security_groups"\."project_id" = .*"name" (in|=) /s,
    because: 'Groups are named: as many as the quota of a project.',
  },
  {
    like: /select count\(\*\)( as \w+)? from "(volumes|snapshots)"/,
    because: 'A list with with_count asks how many there are.',
  },
  {
    like: /from "(users|projects|user_groups|credentials)" (where .*)?order by/s,
    because: 'Keystone has no pages of these: who lists them asks for all.',
  },
  {
    like: /left join user_groups t on a\.actor = 'group'/,
    because: 'Keystone has no pages of these: who lists them asks for all.',
  },
  {
    like: /as snapshots, sum\(snapshot_gib\)/,
    because: 'Cinder shows an administrator what each project has in a zone: it is added up.',
  },
  {
    like: /sum\("volumes"\."size_gib"\)/,
    because: 'The summary of volumes adds up how large all of them are.',
  },
  // Limits that are counted.
  {
    like: /select (count\(\*\)|sum\(case when status = 'importing' .* end\))\s+from images/s,
    because: 'Images are counted against a limit of some hundred in a project.',
  },
  {
    like: /sum\(case when status = 'importing' .* end\) filter/s,
    because: 'Images are counted against a limit of some hundred in a project.',
  },
  {
    like: /select min\(due_at\) from meters where project_id = /,
    because: 'The least of a project is the first entry of its index.',
  },
  {
    like: /\bsum\([^)]*\).*\bfrom (costs|meters)\b/s,
    because: 'What servers cost is added up for who asks: days that are settled, and a meter for each server.',
  },
  // What administrators do now and then.
  {
    like: /json_array\(quotas\.project_id, quotas\.resource, quotas\.maximum\)/,
    because: 'An administrator asks for all limits that were given to any project.',
  },
  { like: /from grants g where g\.role_id = \?/, because: 'A role is deleted, with what rests on it.' },
  {
    like: /delete from image_members where member_id = /,
    because: 'A project is deleted, with what was shared with it.',
  },
  { like: /delete from credentials where project_id = /, because: 'A project is deleted, with what was kept for it.' },
  { like: /delete from "grants" where/, because: 'A role or a project is deleted.' },
  {
    like: /^(update (users|projects) set epoch|delete from \w+ where|update users set default_project_id).*\bdomain_id = \?/s,
    because: 'A domain is disabled or removed, with all that is in it.',
  },
  {
    like: /from group_members m where m\.group_id = |delete from "group_members" where "group_members"\."group_id"/,
    because: 'Who is in a group, as it is shown, loses a role or goes.',
  },
  { like: /update "users" set "default_project_id"/, because: 'A project is deleted, which is rare.' },
  {
    like: /delete from "(bindings|segments)" where "\1"\."cloud_id" = \?\S*$/,
    because: 'A cloud is taken out, with what is left of it.',
  },
  { like: /delete from mappings where project_id/, because: 'A project is taken away from a cloud.' },
  {
    like: /exists \(select 1 from bindings b\s+where b\.cloud_id = \?\S* and b\.phase <> 'gone'/,
    because: 'A cloud is taken out: looked through until something is found on it.',
  },
  {
    like: /select distinct "resource_id" from "bindings" where \("bindings"\."project_id"/,
    because: 'A project is handed back as a whole.',
  },
  {
    like: /'security group ' \|\| security_group_id/,
    because: 'What is handed back is leant on by nothing: everything that could is looked through, once.',
  },
  // What the cron does by looking at all of something.
  {
    like: /as hot\s+from bindings\s+where cloud_id/,
    because: 'A sweep compares all of a kind on a cloud with what the cloud shows.',
  },
  {
    like: /from json_each\(\?\S*\) o\s+where exists \(select 1 from bindings b/,
    because: 'A sweep looks for orphans among what is being made.',
  },
  { like: /orphans.*cloud_id/s, because: 'A sweep compares all orphans of a kind on a cloud: there should be none.' },
  {
    like: /(from|update) bindings (set phase = 'gone', due_at = null )?where cloud_id = \?\S* and kind = 'image'/,
    because: 'The catalogue of a cloud is read anew.',
  },
  {
    like: /update images set deleted_at = .* where project_id is null/s,
    because: 'The catalogue of a cloud is read anew.',
  },
  { like: /select blob from images/, because: 'The store of uploads is compared with all that belongs in it.' },
  {
    like: /from bindings\s+where cloud_id = \?\S* and kind = 'subnet'/,
    because: 'What others hold in the subnets of a cloud is read anew.',
  },
  {
    like: /from lingering_addresses where port_id >=/,
    because: 'What others hold in the subnets of a cloud is read anew.',
  },
  { like: /delete from login_failures/, because: 'It holds the failures of the last minutes.' },
  {
    like: /select n\.id from networks n\s+where n\.id in \(select p\.network_id from server_ports h/,
    because: 'A server came to nothing on a cloud: its network is looked through until another one is found on it.',
  },
  {
    like: /^update deliveries set due_at = \? where webhook_id = \? and seq between/,
    because: 'One request sends again what is among 10,000 numbers at most.',
  },
  {
    like: /^select (min|max)\(seq\) as seq from notices where project_id = \? and at [<>]= \?/,
    because: 'Times do not rise with numbers: of the three days that are known of a project, the index is gone along.',
  },
]
