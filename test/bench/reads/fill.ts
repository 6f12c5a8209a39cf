import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { address, copy, hexId, mac, type Range, type Row, rowsOf, uuid } from '../copies.ts'
import type { Estate } from './estate.ts'

/** Neighbouring copies are a second apart, as lists are in the order of time. */
const EARLIER = (column: string, row: Row) => ({ [column]: `${row[column]} - n * 1000` })
const dated = (row: Row) => ({ ...EARLIER('created_at', row), ...EARLIER('updated_at', row) })

/** `count` rows of everything that can be listed, those that are there included. */
export const fillEstate = (folder: string, { named, projectId, userId }: Estate, count: number): void => {
  const db = new DatabaseSync(join(folder, 'plimsoll.db'))
  const range: Range = { last: count - 1 }
  const one = (table: string, where: string, ...values: string[]): Row => rowsOf(db, table, where, ...values)[0]!
  const each = (table: string, row: Row, changed: Record<string, string>) => copy(db, table, row, range, changed)
  const byId = (table: string, of: string) => one(table, 'id = ?', named[of]!)
  const named_ = { name: `'bench-' || n` }
  const bound = (kind: string, of: string, id: string) => {
    for (const row of rowsOf(db, 'bindings', 'kind = ? and resource_id = ?', kind, named[of]!))
      each('bindings', row, { resource_id: id, native_id: `'${kind}-' || n`, token: uuid('token'), due_at: 'null' })
  }
  db.exec('begin')

  const network = byId('networks', 'networks')
  each('networks', network, { id: uuid('network'), ...named_, ...dated(network) })
  const subnet = byId('subnets', 'subnets')
  each('subnets', subnet, { id: uuid('subnet'), network_id: uuid('network'), ...named_, ...dated(subnet) })
  const router = byId('routers', 'routers')
  each('routers', router, { id: uuid('router'), ...named_, ...dated(router) })
  const group = byId('security_groups', 'security-groups')
  each('security_groups', group, { id: uuid('group'), ...named_, ...dated(group) })
  const rule = one('security_group_rules', 'security_group_id = ?', named['security-groups']!)
  each('security_group_rules', rule, { id: uuid('rule'), security_group_id: uuid('group'), ...dated(rule) })

  const port = byId('ports', 'ports')
  const ip = address('10.8.1.0')
  each('ports', port, {
    ...{ id: uuid('port'), device_id: uuid('server'), mac_address: mac() },
    fixed_ips: `json_array(json_object('subnet_id', '${named.subnets}', 'ip_address', ${ip}))`,
    ...dated(port),
  })
  const allocation = one('ip_allocations', 'port_id = ?', named.ports!)
  each('ip_allocations', allocation, { address: ip, port_id: uuid('port') })
  each('port_security_groups', one('port_security_groups', 'port_id = ?', named.ports!), { port_id: uuid('port') })
  bound('port', 'ports', uuid('port'))
  const floating = byId('floating_ips', 'floatingips')
  each('floating_ips', floating, {
    ...{ id: uuid('floating-ip'), floating_ip_address: address('198.18.0.0'), port_id: uuid('port') },
    fixed_ip_address: ip,
    ...dated(floating),
  })

  const server = byId('servers', 'servers')
  each('servers', server, { id: uuid('server'), ...named_, hostname: `'bench-' || n`, ...dated(server) })
  each('server_ports', one('server_ports', 'server_id = ?', named.servers!), {
    ...{ server_id: uuid('server'), port_id: uuid('port') },
  })
  bound('server', 'servers', uuid('server'))
  const action = one('server_actions', 'server_id = ?', named.servers!)
  each('server_actions', action, {
    id: 'null',
    request_id: `'req-' || ${uuid('token')}`,
    ...EARLIER('started_at', action),
  })

  const volume = byId('volumes', 'volumes')
  each('volumes', volume, { id: uuid('volume'), ...named_, ...dated(volume) })
  bound('volume', 'volumes', uuid('volume'))
  const attachment = byId('attachments', 'attachments')
  each('attachments', attachment, {
    ...{ id: uuid('attachment'), server_id: uuid('server'), volume_id: uuid('volume') },
    ...EARLIER('created_at', attachment),
  })
  const snapshot = byId('snapshots', 'snapshots')
  each('snapshots', snapshot, { id: uuid('snapshot'), volume_id: uuid('volume'), ...named_, ...dated(snapshot) })
  const image = byId('images', 'images')
  each('images', image, { id: uuid('image'), ...named_, ...dated(image) })

  const keypair = one('keypairs', 'name = ?', named['os-keypairs']!)
  each('keypairs', keypair, { id: uuid('keypair'), ...named_, ...EARLIER('created_at', keypair) })
  each('flavors', byId('flavors', 'flavors'), { id: uuid('flavor'), ...named_ })
  each('flavor_access', { flavor_id: named['os-flavor-access']!, project_id: '' }, { project_id: hexId('project') })
  each('offers', rowsOf(db, 'offers', 'true')[0]!, named_)
  each('projects', byId('projects', 'projects'), { id: hexId('project'), ...named_ })
  each('users', byId('users', 'users'), { id: hexId('user'), ...named_ })
  // Of many users in one project, and of one user in many projects: the caller, and the one that is looked at.
  const role = one('grants', "target = 'project' and actor_id = ?", named.users!)
  each('grants', role, { actor_id: hexId('user') })
  for (const user of [named.users!, userId])
    each('grants', { ...role, actor_id: user }, { target_id: hexId('project') })
  each('quotas', one('quotas', "project_id = ? and resource = 'network'", named.projects!), {
    project_id: hexId('project'),
  })
  each('application_credentials', byId('application_credentials', 'application_credentials'), {
    ...{ id: hexId('credential'), ...named_ },
  })
  each('access_rules', byId('access_rules', 'access_rules'), { id: hexId('credential'), path: `'/v2.1/' || n` })
  each('credential_rules', one('credential_rules', 'rule_id = ?', named.access_rules!), {
    ...{ credential_id: hexId('credential'), rule_id: hexId('credential') },
  })
  const place = { cloud_id: server.cloud_id!, project_id: projectId }
  const now = Number(server.created_at)
  each(
    'orphans',
    {
      ...place,
      ...{ id: '', kind: 'server', native_id: '', name: 'bench', zone: 'a', size: 'small', resource_id: '', token: '' },
      ...{ epoch: 0, first_seen_at: now, last_seen_at: now, sweeps: 1 },
    },
    {
      id: uuid('token'),
      native_id: `'lost-' || n`,
      resource_id: uuid('server', 'n + 1000000000'),
      token: uuid('token'),
    },
  )
  each(
    'drift',
    {
      ...place,
      ...{ kind: 'server', resource_id: '', what: 'power', intent: 'running', observed: 'stopped', first_seen_at: now },
    },
    { resource_id: uuid('server') },
  )
  each('sweeps', rowsOf(db, 'sweeps', 'report is not null')[0]!, { account: `'account-' || n` })
  db.exec('commit')
  db.close()
}
