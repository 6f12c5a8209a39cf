// biome-ignore lint/suspicious/noExplicitAny: answers of our own API
type Any = any
/** Asks as the caller, or as somebody else. */
type Call = (
  method: string,
  path: string,
  body?: unknown,
  as?: string,
  headers?: Record<string, string>,
) => Promise<Any>

export interface Begun {
  call: Call
  admin: string
  /** Brings what was asked of clouds to rest. */
  rest(done: () => Promise<boolean>): Promise<void>
  own: { projectId: string; userId: string }
  /** Of what was made before, by the segment of a path before it. */
  ids: Record<
    'projects' | 'users' | 'images' | 'groups' | 'networks' | 'floatingips' | 'volumes' | 'snapshots' | 'role',
    string
  >
}

const NAME = 'bench'
const IDENTITY = '/identity/v3'
const COMPUTE = '/compute/v2.1'
const QUOTAS = { instances: 2, cores: 4, ram: 4096, volumes: 3, gigabytes: 100 }
const NEWEST = { 'OpenStack-API-Version': 'volume 3.70' }

/** What identity has besides users and projects: groups, grants of every kind, credentials, trusts, what roles imply, tags, a template. */
export const moreOfIdentity = async ({ call, admin, own, ids }: Begun): Promise<Record<string, string>> => {
  const put = (path: string, body?: unknown) => call('PUT', IDENTITY + path, body, admin)
  const { group } = await call('POST', `${IDENTITY}/groups`, { group: { name: NAME } }, admin)
  await put(`/groups/${group.id}/users/${ids.users}`)
  for (const actor of [`users/${ids.users}`, `groups/${group.id}`]) {
    for (const target of [`projects/${ids.projects}`, 'domains/default']) {
      await put(`/${target}/${actor}/roles/${ids.role}`)
      await put(`/OS-INHERIT/${target}/${actor}/roles/${ids.role}/inherited_to_projects`)
    }
    await put(`/system/${actor}/roles/${ids.role}`)
  }
  const { role: implied } = await call('POST', `${IDENTITY}/roles`, { role: { name: NAME } }, admin)
  await put(`/roles/${ids.role}/implies/${implied.id}`)
  await put(`/projects/${own.projectId}/tags/${NAME}`)
  const { credential } = await call('POST', `${IDENTITY}/credentials`, {
    credential: { type: 'cert', blob: NAME, user_id: own.userId },
  })
  const { credential: key } = await call('POST', `${IDENTITY}/users/${own.userId}/credentials/OS-EC2`, {
    tenant_id: own.projectId,
  })
  const { trust } = await call('POST', `${IDENTITY}/OS-TRUST/trusts`, {
    trust: {
      ...{ trustor_user_id: own.userId, trustee_user_id: ids.users, project_id: own.projectId, impersonation: true },
      roles: [{ id: ids.role }],
    },
  })
  await call(
    'PUT',
    '/broker/v1/domains/default/project-template',
    { project_template: { clouds: {}, quotas: QUOTAS, most_projects: 100 } },
    admin,
  )
  return {
    ...{ 'keystone/groups': group.id, implies: implied.id, credentials: credential.id, 'OS-EC2': key.access },
    trusts: trust.id,
  }
}

/** What Nova has of other services, and of operators. */
export const moreOfCompute = async ({ call, admin, ids }: Begun): Promise<Record<string, string>> => {
  const { aggregate } = await call('POST', `${COMPUTE}/os-aggregates`, { aggregate: { name: NAME } }, admin)
  const { hosts } = await call('GET', `${COMPUTE}/os-hosts`, undefined, admin)
  return {
    ...{ 'os-aggregates': String(aggregate.id), 'nova/os-hosts': hosts[0].host_name },
    'os-instance_usage_audit_log': '2026-01-01 00:00:00',
    ...{ 'os-security-groups': ids.groups, 'os-floating-ips': ids.floatingips, 'os-volumes': ids.volumes },
    ...{ 'os-networks': ids.networks, 'os-tenant-networks': ids.networks, 'os-snapshots': ids.snapshots },
  }
}

/** What Cinder has besides volumes and snapshots: types of an operator's own, groups, backups, transfers. */
export const moreOfVolumes = async (begun: Begun): Promise<Record<string, string>> => {
  const { call, admin, own, ids, rest } = begun
  const base = `/volume/v3/${own.projectId}`
  const post = (path: string, body: unknown, as?: string) => call('POST', base + path, body, as, NEWEST)
  const is = (path: string, kind: string, status: string) => async () =>
    (await call('GET', base + path, undefined, undefined, NEWEST))[kind].status === status

  const { volume_type: type } = await post(
    '/types',
    { volume_type: { name: NAME, extra_specs: { 'RESKEY:availability_zones': 'a' } } },
    admin,
  )
  await post(`/types/${type.id}/encryption`, { encryption: { provider: 'luks', control_location: 'front-end' } }, admin)
  await call('PUT', `${base}/default-types/${ids.projects}`, { default_type: { volume_type: type.id } }, admin, NEWEST)
  const { qos_specs } = await post('/qos-specs', { qos_specs: { name: NAME } }, admin)
  const { group_type } = await post(
    '/group_types',
    { group_type: { name: NAME, group_specs: { [NAME]: NAME } } },
    admin,
  )

  const { volume_types } = await call('GET', `${base}/types`)
  const plain = volume_types.find(({ name }: { name: string }) => name !== NAME && name !== 'zoned')
  const { group } = await post('/groups', {
    group: { name: NAME, group_type: group_type.id, volume_types: [plain.id] },
  })
  await rest(is(`/groups/${group.id}`, 'group', 'available'))
  const made = async (more: object): Promise<string> => {
    const { volume } = await post('/volumes', { volume: { size: 1, name: NAME, volume_type: plain.id, ...more } })
    await rest(is(`/volumes/${volume.id}`, 'volume', 'available'))
    return volume.id
  }
  await made({ group_id: group.id })
  const { group_snapshot } = await post('/group_snapshots', { group_snapshot: { name: NAME, group_id: group.id } })
  const { backup } = await post('/backups', { backup: { name: NAME, volume_id: await made({}) } })
  await rest(is(`/backups/${backup.id}`, 'backup', 'available'))
  const { transfer } = await post('/volume-transfers', { transfer: { name: NAME, volume_id: await made({}) } })
  const { hosts } = await call('GET', `${base}/os-hosts`, undefined, admin)
  return {
    ...{ 'cinder/types': type.id, encryption: 'provider', 'default-types': ids.projects },
    ...{ 'qos-specs': qos_specs.id, group_types: group_type.id, group_specs: NAME },
    ...{ 'cinder/groups': group.id, group_snapshots: group_snapshot.id, backups: backup.id },
    ...{ 'os-volume-transfer': transfer.id, 'volume-transfers': transfer.id, capabilities: hosts[0].host_name },
  }
}

/** What Glance has besides images: members, definitions of metadata, a task, which is not carried out. */
export const moreOfImages = async ({ call, admin, ids }: Begun): Promise<Record<string, string>> => {
  await call('POST', `/image/v2/images/${ids.images}/members`, { member: ids.projects })
  const namespace = {
    ...{ namespace: NAME, visibility: 'public', tags: [{ name: NAME }] },
    resource_type_associations: [{ name: 'OS::Glance::Image' }],
    properties: { [NAME]: { title: NAME, type: 'string' } },
    objects: [{ name: NAME, properties: { size: { title: NAME, type: 'integer' } } }],
  }
  await call('POST', '/image/v2/metadefs/namespaces', namespace, admin)
  const image_properties = { name: NAME, disk_format: 'raw', container_format: 'bare' }
  const input = { import_from: 'https://example.org/bench', import_from_format: 'raw', image_properties }
  const { id: tasks } = await call('POST', '/image/v2/tasks', { type: 'import', input }, admin)
  return { members: ids.projects, namespaces: NAME, objects: NAME, properties: NAME, tasks }
}
