import type { DatabaseSync } from 'node:sqlite'
import { address, copy, hexId, mac, type Range, type Row, rowsOf, uuid } from '../copies.ts'
import type { Estate } from '../reads/estate.ts'

const PROJECTS = 50
const CLOUDS = 20
/** Servers that every filter finds, however many others there are. */
export const RARE = 20
export const RARE_CLOUD = 'cloud-1'

/** How many servers the caller's project has, all in one network: a fifth of them. */
export const inOneNetwork = (count: number): number => count / 5

/** How many of what else there is, as parts of the servers. A fifth of each is the caller's. */
const SHARES = { volume: 0.2, snapshot: 0.05, 'floating-ip': 0.05, network: 0.01, group: 0.01, image: 0.01 }

/**
 * `count` servers with ports, addresses and bindings in 50 projects on 20 clouds, a fifth of them in one network of the
 * caller's. Rows are written by one statement a table, without indexes, which are made after.
 */
export const fillMillion = (db: DatabaseSync, estate: Estate, count: number): void => {
  const { named, projectId } = estate
  const own = inOneNetwork(count)
  const range: Range = { last: count }
  const one = (table: string, where: string, ...values: string[]): Row => rowsOf(db, table, where, ...values)[0]!
  const whole = (table: string, row: Row, changed: Record<string, string>, within: Range = range) =>
    copy(db, table, row, within, changed)
  // What is dated: the caller's are the newest.
  const ago = (row: Row, column: string) => ({ [column]: `${row[column]} - n * 1000` })
  const dated = (row: Row) => ({ ...ago(row, 'created_at'), ...ago(row, 'updated_at') })
  /** Of the caller, or of one of the other projects. */
  const among = (caller: string, other: string, last = own) => `iif(n <= ${last}, ${caller}, ${other})`
  const text = (value: unknown) => `'${String(value).replaceAll("'", "''")}'`
  const other = `n % ${PROJECTS - 1} + 1`
  const project = (last = own) => ({ project_id: among(text(projectId), hexId('project', `(${other})`), last) })

  const rebuild = takeApart(db)
  db.exec('begin')
  const cloud = one('clouds', 'true')
  const clouds: Range = { last: CLOUDS - 1 }
  const cloudId = (n = 'n') => uuid('token', `(1000000000 + ${n})`)
  whole('clouds', cloud, { id: cloudId(), name: `'cloud-' || n`, position: 'n' }, clouds)
  for (const table of ['zones', 'offers', 'prices', 'volume_types'])
    for (const row of rowsOf(db, table, 'true')) whole(table, row, { cloud_id: cloudId() }, clouds)
  const mapping = one('mappings', 'project_id = ?', projectId)
  whole('mappings', mapping, { cloud_id: cloudId() }, clouds)
  whole(
    'mappings',
    mapping,
    { project_id: hexId('project'), cloud_id: `(select id from clouds where position = n % ${CLOUDS})` },
    { last: PROJECTS - 1 },
  )
  whole(
    'projects',
    one('projects', 'id = ?', named.projects!),
    { id: hexId('project'), name: `'p-' || n` },
    { last: PROJECTS - 1 },
  )

  // Where a copy is: the caller's on the embedded cloud, but for the rare ones, and all others anywhere.
  const rare = `(n <= ${own} and n % ${own / RARE} = 5)`
  const rarely = (yes: string, no: string) => `iif(${rare}, ${yes}, ${no})`
  const where = {
    cloud_id: `case when ${rare} then ${cloudId('1')} when n <= ${own} or n % ${CLOUDS} = 0 then ${text(cloud.id)} else ${cloudId(`n % ${CLOUDS}`)} end`,
  }

  const network = one('networks', 'id = ?', named.networks!)
  const subnet = one('subnets', 'id = ?', named.subnets!)
  const share = (kind: keyof typeof SHARES): Range => ({ last: Math.max(PROJECTS, count * SHARES[kind]) })
  const part = (kind: keyof typeof SHARES) => project(share(kind).last / 5)
  const called = { name: `'bench-' || n` }
  whole(
    'networks',
    network,
    { id: uuid('network'), ...called, ...part('network'), ...dated(network) },
    share('network'),
  )
  whole(
    'subnets',
    subnet,
    { id: uuid('subnet'), network_id: uuid('network'), cidr: `'10.0.0.0/8'`, ...part('network'), ...dated(subnet) },
    share('network'),
  )
  const group = one('security_groups', 'id = ?', named['security-groups']!)
  whole('security_groups', group, { id: uuid('group'), ...called, ...part('group'), ...dated(group) }, share('group'))
  for (const [i, rule] of rowsOf(db, 'security_group_rules', 'security_group_id = ?', String(group.id)).entries())
    whole(
      'security_group_rules',
      rule,
      { id: uuid('rule', `(n * 10 + ${i})`), security_group_id: uuid('group'), ...part('group'), ...dated(rule) },
      share('group'),
    )
  const image = one('images', 'id = ?', named.images!)
  whole('images', image, { id: uuid('image'), ...called, ...part('image'), ...dated(image) }, share('image'))

  const server = one('servers', 'id = ?', named.servers!)
  // One in a hundred was deleted of late.
  const gone = 'n % 100 = 7'
  whole('servers', server, {
    ...{ id: uuid('server'), hostname: `'bench-' || n`, ...project(), ...where },
    name: rarely(`'rare-' || n`, `'bench-' || n`),
    description: rarely(`'rare'`, `'bench'`),
    user_id: rarely(`'rare'`, text(server.user_id)),
    key_name: rarely(`'rare'`, `'bench'`),
    image_id: rarely(uuid('image', '1'), text(server.image_id)),
    flavor: rarely(`json_set(${text(server.flavor)}, '$.id', '2')`, text(server.flavor)),
    metadata: rarely(`'{"rare":"yes"}'`, text(server.metadata)),
    tags: rarely(`'["rare"]'`, text(server.tags)),
    status: rarely(`'ERROR'`, text(server.status)),
    vm_state: rarely(`'error'`, text(server.vm_state)),
    task_state: rarely(`'rebooting'`, 'null'),
    power_state: rarely('4', '1'),
    progress: rarely('50', '100'),
    launch_index: rarely('7', '0'),
    locked: rarely('1', '0'),
    config_drive: rarely('1', '0'),
    disk_config: rarely(`'AUTO'`, `'MANUAL'`),
    access_ip_v4: rarely(`'192.0.2.7'`, `''`),
    access_ip_v6: rarely(`'2001:db8::7'`, `''`),
    zone: rarely(`'rare'`, `'a'`),
    ...dated(server),
    // Some changed just now.
    updated_at: rarely(`${server.updated_at} + 1000000`, `${server.updated_at} - n * 1000`),
    ...ago(server, 'launched_at'),
    deleted_at: `iif(${gone}, ${server.updated_at} - n * 1000, null)`,
    terminated_at: `iif(${gone}, ${server.updated_at} - n * 1000, null)`,
  })

  const living = { last: count, where: `not (${gone})` }
  const port = one('ports', 'id = ?', named.ports!)
  const subnetOf = among(text(subnet.id), uuid('subnet', `(${other})`))
  const ip = among(address('10.8.1.0'), address('10.0.1.0'))
  whole(
    'ports',
    port,
    {
      ...{ id: uuid('port'), device_id: uuid('server'), mac_address: mac(), ...project(), ...dated(port) },
      network_id: among(text(network.id), uuid('network', `(${other})`)),
      fixed_ips: `json_array(json_object('subnet_id', ${subnetOf}, 'ip_address', ${ip}))`,
      name: rarely(`'rare'`, `''`),
      description: rarely(`'rare'`, `''`),
      status: rarely(`'DOWN'`, text(port.status)),
      admin_state_up: rarely('0', '1'),
      port_security: rarely('0', '1'),
      device_owner: rarely(`'rare'`, text(port.device_owner)),
      revision: rarely('77', String(port.revision)),
      tags: rarely(`'["rare"]'`, text(port.tags)),
      updated_at: rarely(`${port.updated_at} + 1000000`, `${port.updated_at} - n * 1000`),
    },
    living,
  )
  whole(
    'ip_allocations',
    one('ip_allocations', 'port_id = ?', String(port.id)),
    { subnet_id: subnetOf, address: ip, port_id: uuid('port') },
    living,
  )
  whole(
    'server_ports',
    one('server_ports', 'port_id = ?', String(port.id)),
    { server_id: uuid('server'), port_id: uuid('port') },
    living,
  )
  whole(
    'port_security_groups',
    one('port_security_groups', 'port_id = ?', String(port.id)),
    { port_id: uuid('port'), security_group_id: rarely(uuid('group', '1'), text(group.id)) },
    living,
  )
  const bound = (kind: string, resource: string, id: string, within: Range, last = own) => {
    const row = one('bindings', 'kind = ? and resource_id = ?', kind, resource)
    whole(
      'bindings',
      row,
      {
        resource_id: id,
        native_id: `'${kind}-' || n`,
        token: uuid('token'),
        ...where,
        ...project(last),
        ...dated(row),
      },
      within,
    )
  }
  bound('server', String(server.id), uuid('server'), living)
  bound('port', String(port.id), uuid('port'), living)
  const action = one('server_actions', "server_id = ? and action = 'create'", String(server.id))
  whole('server_actions', action, {
    id: 'null',
    server_id: uuid('server'),
    request_id: `'req-' || ${uuid('token')}`,
    ...project(),
    ...ago(action, 'started_at'),
  })
  const entry = one('journal', "resource_id = ? and action = 'create'", String(server.id))
  whole('journal', entry, {
    id: 'null',
    resource_id: uuid('server'),
    request_id: `'req-' || ${uuid('token')}`,
    ...project(),
    ...ago(entry, 'at'),
  })

  const volume = one('volumes', 'id = ?', named.volumes!)
  const volumes = share('volume')
  whole('volumes', volume, { id: uuid('volume'), ...called, ...where, ...part('volume'), ...dated(volume) }, volumes)
  bound('volume', String(volume.id), uuid('volume'), volumes, volumes.last / 5)
  const attachment = one('attachments', 'volume_id = ?', String(volume.id))
  whole(
    'attachments',
    attachment,
    {
      id: uuid('attachment'),
      server_id: uuid('server'),
      volume_id: uuid('volume'),
      ...part('volume'),
      ...ago(attachment, 'created_at'),
    },
    volumes,
  )
  const snapshot = one('snapshots', 'id = ?', named.snapshots!)
  whole(
    'snapshots',
    snapshot,
    { id: uuid('snapshot'), volume_id: uuid('volume'), ...called, ...where, ...part('snapshot'), ...dated(snapshot) },
    share('snapshot'),
  )
  const floating = one('floating_ips', 'id = ?', named.floatingips!)
  whole(
    'floating_ips',
    floating,
    {
      id: uuid('floating-ip'),
      floating_ip_address: address('172.16.0.0'),
      port_id: uuid('port'),
      fixed_ip_address: ip,
      ...part('floating-ip'),
      ...dated(floating),
    },
    share('floating-ip'),
  )
  // What triggers would have counted.
  db.exec(`delete from address_use; insert into address_use select subnet_id, count(*) from ip_allocations group by subnet_id;
    delete from zone_use; insert into zone_use select cloud_id, zone, count(*), sum(flavor ->> '$.vcpus'), sum(flavor ->> '$.ramMib'),
      sum(flavor ->> '$.diskGib') from servers where deleted_at is null and cloud_id is not null group by cloud_id, zone`)
  db.exec('commit')
  rebuild()
}

/** Takes indexes and triggers of all tables away, so that rows are written at once; gives the way to put them back. */
const takeApart = (db: DatabaseSync): (() => void) => {
  const parts = db
    .prepare(
      "select type, name, sql from sqlite_master where type in ('index', 'trigger') and sql is not null order by type, rowid",
    )
    .all() as { type: string; name: string; sql: string }[]
  for (const { type, name } of parts) db.exec(`drop ${type} ${name}`)
  return () => {
    for (const { sql } of parts) db.exec(sql)
  }
}
