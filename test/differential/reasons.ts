import type { Aspect } from './compare.ts'
import type { StoryName } from './recording.ts'

/** Why answers differ, and of which differences that is so; what is absent besides is anything. */
export interface Reason {
  why: string
  story?: StoryName
  /** In what they differ: nothing else of the same answers is excused. */
  aspects: Aspect[]
  line?: RegExp
  path?: RegExp
  theirs?: RegExp
  ours?: RegExp
}

/** The first that fits a difference is its reason. */
export const REASONS: Reason[] = [
  // Everywhere.
  {
    why: 'Every answer has the id of its request, those to whoever has no token and those without a microversion as well.',
    aspects: ['header'],
    path: /^x-(openstack|compute)-request-id$/,
    theirs: /^none$/,
  },
  {
    why: 'Where tokens are had is told below the broker’s own address, whatever name it was called by.',
    aspects: ['header'],
    path: /^www-authenticate$/,
  },
  {
    why: 'A path that there is not is refused as everything else of the service is, not by a page of the framework that it is made with.',
    theirs: /<html>|<!doctype html>|The method is not allowed for the requested URL/,
    aspects: ['content-type', 'type', 'missing'],
  },
  {
    why: 'A path that there is not is refused as everything else of the service is, not by a page of the framework that it is made with.',
    aspects: ['content-type'],
    theirs: /text\/(html|plain)/,
  },
  {
    why: 'A method that a path does not have is 405 and says which ones it has, and the words are the same everywhere.',
    ours: /The method is not allowed for this resource|HTTPMethodNotAllowed|badMethod/,
    aspects: ['extra', 'words', 'status'],
  },
  {
    why: 'Words of schemas name the first thing that is wrong; jsonschema prints the whole schema and the whole instance besides.',
    aspects: ['words'],
    theirs: /Failed validating/,
  },
  {
    why: 'A schema tells all types that a value may have only where it is several kinds of thing; null is one everywhere.',
    aspects: ['words'],
    theirs: /is not of type '\w+', '/,
    ours: /is not of type '/,
  },
  {
    why: 'The highest microversion is the one that is spoken whole.',
    aspects: ['value', 'words'],
    theirs: /3\.71|2\.10\d|2\.9[7-9]/,
  },
  {
    why: 'A name of the cloud is none of the recorded one.',
    aspects: ['value', 'form', 'type'],
    path: /(^|\.|:)(host|hostname|hypervisor_hostname|hostId|host_ip|hypervisor_type|service\.host|hypervisor_version)$/,
  },
  {
    why: 'Zones are those of clouds, by their own names.',
    aspects: ['value', 'form', 'missing', 'extra', 'type'],
    path: /availability_zones?(_hints)?(\[\])?(\.|$)|availabilityZoneInfo|OS-EXT-AZ|pinned_availability_zone/,
  },

  // Identity.
  {
    why: 'Links lead to where the thing is, as the API reference shows it; Keystone leaves out what is before it.',
    story: 'identity',
    aspects: ['value'],
    path: /links\.self$/,
  },
  {
    why: 'Whether an application credential is unrestricted is true or false; Keystone says null where nobody said it.',
    story: 'identity',
    path: /unrestricted$/,
    aspects: ['type'],
  },
  {
    why: 'What is stored besides the fields of a resource is shown once; Keystone shows it again, as `extra`, after a change.',
    story: 'identity',
    aspects: ['missing'],
    path: /\.extra$/,
  },
  {
    why: 'A list says that it is cut where something was cut off; Keystone says so, and links to a page more, as soon as there are as many as were asked for.',
    story: 'identity',
    line: /limit=1/,
    aspects: ['type', 'missing'],
  },

  {
    why: 'What is secret is never repeated, nor what stands beside it.',
    story: 'identity',
    aspects: ['words'],
    ours: /\*\*\*/,
  },
  {
    why: 'Methods that every path has are not listed.',
    story: 'identity',
    aspects: ['header'],
    path: /^allow$/,
  },
  {
    why: 'Tokens are not Fernet’s.',
    story: 'identity',
    aspects: ['words'],
    theirs: /Fernet/,
  },
  {
    why: 'Links lead to where the thing is; Keystone leaves out what is before it.',
    story: 'identity',
    aspects: ['header'],
    path: /^location$/,
  },

  // Image.
  {
    why: 'Stores are the broker’s own and those of clouds, by their names, and are told with a description.',
    story: 'image',
    path: /stores$|stores\.description$|stores\[\]\.description$|backend$/,
    aspects: ['value', 'extra'],
  },
  {
    why: 'Images tell on which clouds they are.',
    story: 'image',
    aspects: ['extra'],
    path: /plimsoll:clouds/,
  },
  {
    why: 'Where data of an image lies is nowhere shown.',
    story: 'image',
    aspects: ['missing'],
    path: /properties\.(direct_url|locations)$/,
  },
  {
    why: 'Schemas tell of members what the API reference does: lengths, links to the next page.',
    story: 'image',
    aspects: ['extra'],
    line: /schemas\/members?$/,
  },
  {
    why: 'A body that is a list is refused; Glance breaks at it.',
    story: 'image',
    line: /text:\[\]$/,
    aspects: ['status'],
  },
  {
    why: 'Names are escaped in links.',
    story: 'image',
    line: /Differ::NS/,
    path: /^(location|self)$/,
    aspects: ['header', 'value'],
  },

  {
    why: 'An image that was staged has its sums at once: they are of what was sent.',
    story: 'image',
    aspects: ['type'],
    path: /^(checksum|os_hash_algo|os_hash_value)$/,
  },
  {
    why: 'A task is told of as it stands when it is asked for, with times as they are everywhere.',
    story: 'image',
    line: /\{imp\}\/tasks$/,
    aspects: ['value', 'type', 'form'],
  },
  {
    why: 'Glance says twice what is wrong, once in general.',
    story: 'image',
    aspects: ['words'],
    theirs:
      /Access was denied to this resource|There was a conflict when trying to complete your request|is not supported by this server/,
  },
  {
    why: 'keystonemiddleware and webob word a missing token in more sentences.',
    story: 'image',
    line: /^nobody /,
    aspects: ['words'],
  },

  // Network.
  {
    why: 'Extensions that are not offered: names in DNS, and what ports ask of the hardware of a host.',
    story: 'network',
    aspects: ['missing'],
    path: /(dns_domain|dns_name|dns_assignment|resource_request|hardware_offload_type|numa_affinity_policy|propagate_uplink_status|trusted|device_profile|hints)$/,
  },
  {
    why: 'Extensions that are not offered: whether a subnet is of a network that leads outside, which the network says.',
    story: 'network',
    aspects: ['missing'],
    path: /^subnets?(\[\])?\.router:external$/,
  },
  {
    why: 'Extensions that are not offered: quality of service of public addresses; ports and networks have it.',
    story: 'network',
    aspects: ['missing'],
    path: /^floatingips?(\[\])?\.qos_policy_id$/,
  },
  {
    why: 'Extensions that are not offered: trunks, metering.',
    story: 'network',
    aspects: ['status'],
    line: /\/(trunks|metering)/,
  },
  {
    why: 'Networks tell how they reach each other, across clouds too.',
    story: 'network',
    aspects: ['extra'],
    path: /plimsoll:/,
  },
  {
    why: 'Quotas are of what there is here: trunks and routes have none, scopes and groups of addresses have one, pools are counted and have no sum.',
    story: 'network',
    path: /quotas?(\[\])?\.(trunk|router_route|subnetpool|address_scope|address_group|rbac_policy)/,
    aspects: ['value', 'missing', 'extra'],
  },
  {
    why: 'Networks of the embedded cloud have no wire that anybody would be told of.',
    story: 'network',
    path: /provider:/,
    aspects: ['type'],
  },
  {
    why: 'The network that leads outside is the cloud’s, and no project’s.',
    story: 'network',
    line: /\{ext\}/,
    path: /networks\[\]\./,
    aspects: ['form', 'value'],
  },
  {
    why: 'A sort key without a direction sorts from the least; Neutron refuses it.',
    story: 'network',
    line: /sort_key=name$/,
    aspects: ['status'],
  },

  {
    why: 'Extensions that are not offered: flavors of routers, routers that are distributed or doubled, default groups of rules.',
    story: 'network',
    aspects: ['missing'],
    path: /(flavor_id|distributed|ha|belongs_to_default_sg)$/,
  },
  {
    why: 'Extensions that are not offered: routers that are distributed.',
    story: 'network',
    aspects: ['status'],
    line: /"distributed"/,
  },
  {
    why: 'A member that Neutron shows by mistake: it is of its own tables.',
    story: 'network',
    path: /standard_attr_id$/,
    aspects: ['missing'],
  },
  {
    why: 'Segments of subnets are offered, so that a subnet says that it has none.',
    story: 'network',
    aspects: ['extra'],
    path: /segment_id$/,
  },
  {
    why: '`is_default` is told of every network; Neutron tells it of those that lead outside, and when one is made.',
    story: 'network',
    aspects: ['extra'],
    path: /is_default$/,
  },
  {
    why: 'A revision is one more with each change; what Neutron counts besides are steps of its own, as a port that is bound.',
    story: 'network',
    aspects: ['value'],
    path: /revision_number$/,
  },
  {
    why: 'A cloud takes the address by which a router goes outside, and says it when it has.',
    story: 'network',
    aspects: ['value'],
    path: /external_fixed_ips$/,
  },
  {
    why: 'Ports of routers are up as soon as a cloud has them; the recorded Neutron has no agent that would say so.',
    story: 'network',
    aspects: ['value'],
    line: /device_id=\{router\}/,
  },
  {
    why: 'A gateway lies in its subnet: clouds have it there.',
    story: 'network',
    line: /"gateway_ip": "10\.80\.0\.1"/,
    aspects: ['status'],
  },
  {
    why: 'A policy for what there is not is refused by that; the recorded Neutron tells of its own callbacks.',
    story: 'network',
    line: /rbac-policies .*11111111/,
    aspects: ['status'],
  },
  {
    why: 'Extensions describe themselves in words of ours.',
    story: 'network',
    path: /description$/,
    line: /extensions\//,
    aspects: ['value'],
  },
  {
    why: 'Versions are told to whoever asks.',
    line: /^nobody .*GET \/(network\/v2\.0|volume\/v3\/|compute\/v2\.1\/)$/,
    aspects: ['status'],
  },

  // Block storage.
  {
    why: 'What a volume is on is a cloud, and none of Cinder’s services.',
    story: 'volume',
    path: /service_uuid$|os-vol-host-attr:host$|shared_targets$|os-vol-mig-status-attr/,
    aspects: ['value', 'type'],
  },
  {
    why: 'What a volume is that nobody gave a type is told of the type.',
    story: 'volume',
    line: /types\/default/,
    aspects: ['type', 'extra'],
  },
  {
    why: 'Quotas of single types of volumes are not counted.',
    story: 'volume',
    path: /quota(_class)?_set\.\w+_(default|__DEFAULT__)$/,
    aspects: ['missing'],
  },
  {
    why: 'A microversion that is not spoken is refused in the lowest, and a path that there is not knows none.',
    story: 'volume',
    aspects: ['header'],
    path: /^(openstack-api-version|vary)$/,
  },
  {
    why: 'Clouds replicate by themselves, and say nothing of what they have left.',
    story: 'volume',
    line: /os-services|get_pools|os-hosts/,
    aspects: ['missing', 'value', 'extra', 'words'],
  },
  {
    why: 'A volume is attached to servers that there are.',
    story: 'volume',
    line: /\/attachments/,
    aspects: ['status', 'value'],
  },
  {
    why: 'The path of one volume’s metadata says what it is; Cinder lets the framework say it.',
    story: 'volume',
    line: /\{vol\}\/metadata$/,
    aspects: ['type', 'content-type'],
  },

  // Compute.
  {
    why: 'A microversion that is not spoken is refused in the one that is, and a path that there is not knows none.',
    story: 'compute',
    aspects: ['header'],
    line: /@(2\.999|1\.0|nonsense|none) /,
  },
  {
    why: 'JSON is UTF-8 by itself: errors say no charset.',
    aspects: ['content-type'],
    theirs: /^application\/json;charset=utf-8$/,
    ours: /^application\/json$/,
  },
  {
    why: 'A server is finished when it runs; Nova keeps 0 where a driver counts nothing.',
    story: 'compute',
    path: /\.progress$/,
    aspects: ['value'],
  },
  {
    why: 'Extra specs are the operator’s own, and are kept as they are: they are not checked for their meaning.',
    story: 'compute',
    line: /os-extra_specs/,
    aspects: ['status', 'words', 'extra'],
  },
  {
    why: 'Extra specs are the operator’s own, and are kept as they are: they are not checked for their meaning.',
    story: 'compute',
    path: /extra_specs\./,
    aspects: ['extra'],
  },
  {
    why: 'Devices are called as the cloud calls them, as it was asked where it was.',
    story: 'compute',
    path: /device$|root_device_name$/,
    aspects: ['value'],
  },
  {
    why: 'Numbers of hosts are those of zones: of clouds, which are larger.',
    story: 'compute',
    aspects: ['value', 'type', 'missing', 'extra', 'form'],
    line: /os-(hypervisors|services|hosts|simple-tenant-usage|instance_usage_audit_log|quota-sets)/,
  },
  {
    why: 'What a volume is on is a cloud, and none of Cinder’s services.',
    story: 'compute',
    path: /service_uuid$|shared_targets$/,
    aspects: ['value', 'type'],
  },
  {
    why: 'Extensions of Neutron that are not offered, or are, as the story of the network has them.',
    story: 'compute',
    line: /\/network\//,
    aspects: ['missing', 'extra'],
  },
  {
    why: 'Clouds choose hosts themselves, and show guests no tags of devices.',
    story: 'compute',
    ours: /by the clouds behind this broker|Clouds behind this broker/,
    aspects: ['status'],
  },
  {
    why: 'What came of it in a cloud is waited for, and told.',
    story: 'compute',
    line: /os-interface/,
    aspects: ['status'],
  },
  {
    why: 'Resources that Nova has removed are gone.',
    story: 'compute',
    theirs: /^410 /,
    aspects: ['status'],
  },
  {
    why: 'User data that is no base64 is refused here, before a guest is handed it.',
    story: 'compute',
    line: /"user_data": "###"/,
    aspects: ['status'],
  },
  {
    why: 'What one may not is told by the name of what was asked for; rules of policy have none of their own here.',
    aspects: ['words'],
    theirs: /Policy doesn't allow/,
  },
  {
    why: 'A flavor is told of by the id that it is called by; Nova tells of its own number.',
    story: 'compute',
    line: /TenantAccess/,
    aspects: ['words'],
  },
  {
    why: 'Where a value may be one of several things, it is said of the one that it is most like what is wrong with it.',
    aspects: ['words'],
    theirs: /is not valid under any of the given schemas/,
  },
  {
    why: 'The same words, or the same pattern, are told in another order or spelling.',
    aspects: ['words'],
    theirs: /is not one of \[|does not match '\^/,
    ours: /is not one of|does not match '\^/,
  },
]
