import * as tables from '../../db/schema/index.ts'
import type { Plimsoll } from '../support/harness.ts'

/** One of everything that a project can have, and what the segments of paths call it: `servers` in `/servers/:id`. */
export const giveOneOfEach = async ({ db, clock, projectId, userId, cloudId, host }: Plimsoll, project: string) => {
  const owner = { projectId: projectId(project) }
  const person = { ...owner, userId: userId(project) }
  const times = { createdAt: clock.now, updatedAt: clock.now }
  const place = { cloudId: cloudId('sandbox'), zone: 'a' }
  const flavor = {
    id: '1',
    name: 'm1.tiny',
    vcpus: 1,
    ramMib: 512,
    diskGib: 1,
    ephemeralGib: 0,
    swapMib: 0,
    extraSpecs: {},
  }
  const id = () => host.newId()
  const ids = {
    server: id(),
    volume: id(),
    snapshot: id(),
    image: id(),
    network: id(),
    subnet: id(),
    subnetPool: id(),
    addressScope: id(),
    port: id(),
    router: id(),
    group: id(),
    rule: id(),
    floatingIp: id(),
    attachment: id(),
    serverGroup: id(),
    flavor: id(),
    credential: id().replaceAll('-', ''),
    accessRule: id().replaceAll('-', ''),
    kept: id().replaceAll('-', ''),
  }
  const key = { id: id(), name: `key-${id()}` }
  const up = { status: 'ACTIVE', vmState: 'active', powerState: 1, launchedAt: clock.now }
  await db.batch([
    db
      .insert(tables.servers)
      .values({ id: ids.server, name: 's', hostname: 's', flavor, ...up, ...person, ...place, ...times }),
    db.insert(tables.volumes).values({
      id: ids.volume,
      name: 'v',
      sizeGib: 1,
      volumeType: 'default',
      status: 'available',
      ...person,
      ...place,
      ...times,
    }),
    db.insert(tables.snapshots).values({
      id: ids.snapshot,
      volumeId: ids.volume,
      sizeGib: 1,
      cloudId: place.cloudId,
      status: 'available',
      ...person,
      ...times,
    }),
    db
      .insert(tables.images)
      .values({ id: ids.image, name: 'i', visibility: 'private', status: 'active', ...owner, ...times }),
    db.insert(tables.networks).values({ id: ids.network, ...owner, ...times }),
    db.insert(tables.subnets).values({
      id: ids.subnet,
      networkId: ids.network,
      ipVersion: 4,
      cidr: '10.0.0.0/24',
      allocationPools: [],
      ...owner,
      ...times,
    }),
    db.insert(tables.addressScopes).values({ id: ids.addressScope, ipVersion: 4, createdAt: clock.now, ...owner }),
    db.insert(tables.subnetPools).values({
      id: ids.subnetPool,
      name: 'p',
      ipVersion: 4,
      prefixes: ['10.0.0.0/8'],
      minPrefixlen: 8,
      maxPrefixlen: 32,
      defaultPrefixlen: 24,
      ...owner,
      ...times,
    }),
    db
      .insert(tables.ports)
      .values({ id: ids.port, networkId: ids.network, macAddress: 'fa:16:3e:00:00:01', ...owner, ...times }),
    db.insert(tables.routers).values({ id: ids.router, ...owner, ...times }),
    db.insert(tables.securityGroups).values({ id: ids.group, ...owner, ...times }),
    db.insert(tables.securityGroupRules).values({
      id: ids.rule,
      securityGroupId: ids.group,
      direction: 'ingress',
      ethertype: 'IPv4',
      signature: 'x',
      ...owner,
      ...times,
    }),
    db.insert(tables.floatingIps).values({ id: ids.floatingIp, floatingNetworkId: ids.network, ...owner, ...times }),
    db.insert(tables.attachments).values({
      id: ids.attachment,
      serverId: ids.server,
      volumeId: ids.volume,
      status: 'attached',
      createdAt: clock.now,
      ...owner,
    }),
    db
      .insert(tables.serverGroups)
      .values({ id: ids.serverGroup, name: 'g', policy: 'affinity', createdAt: clock.now, ...person }),
    db.insert(tables.keypairs).values({
      ...key,
      userId: person.userId,
      publicKey: 'ssh-ed25519 x',
      fingerprint: 'aa:bb',
      createdAt: clock.now,
    }),
    db.insert(tables.flavors).values({
      id: ids.flavor,
      name: `private to ${project}`,
      vcpus: 1,
      ramMib: 1,
      diskGib: 1,
      isPublic: false,
      createdAt: clock.now,
    }),
    db.insert(tables.flavorAccess).values({ flavorId: ids.flavor, projectId: owner.projectId }),
    db.insert(tables.applicationCredentials).values({
      id: ids.credential,
      name: 'c',
      secretHash: 'hmac$none$none',
      roles: [],
      unrestricted: false,
      createdAt: clock.now,
      ...person,
    }),
    db
      .insert(tables.accessRules)
      .values({ id: ids.accessRule, userId: person.userId, service: 'compute', method: 'GET', path: '/' }),
    db
      .insert(tables.credentials)
      .values({ id: ids.kept, userId: person.userId, type: 'cert', blob: 'x', createdAt: clock.now }),
  ])
  const named: Record<string, string> = {
    servers: ids.server,
    volumes: ids.volume,
    snapshots: ids.snapshot,
    images: ids.image,
    networks: ids.network,
    subnets: ids.subnet,
    subnetpools: ids.subnetPool,
    'address-scopes': ids.addressScope,
    ports: ids.port,
    routers: ids.router,
    'security-groups': ids.group,
    'security-group-rules': ids.rule,
    floatingips: ids.floatingIp,
    attachments: ids.attachment,
    flavors: ids.flavor,
    'os-server-groups': ids.serverGroup,
    'os-keypairs': key.name,
    'os-quota-sets': owner.projectId,
    quotas: owner.projectId,
    'os-simple-tenant-usage': owner.projectId,
    projects: owner.projectId,
    users: person.userId,
    application_credentials: ids.credential,
    access_rules: ids.accessRule,
    credentials: ids.kept,
  }
  const rows = [
    tables.servers,
    tables.volumes,
    tables.snapshots,
    tables.images,
    tables.networks,
    tables.subnets,
    tables.ports,
    tables.routers,
    tables.securityGroups,
    tables.securityGroupRules,
    tables.floatingIps,
    tables.attachments,
    tables.serverGroups,
    tables.keypairs,
    tables.flavors,
    tables.flavorAccess,
    tables.bindings,
    tables.quotas,
    tables.mappings,
    tables.applicationCredentials,
    tables.accessRules,
    tables.credentials,
  ]
  /** All of it as it stands, to be compared later. */
  const snapshot = async () => JSON.stringify(await Promise.all(rows.map((table) => db.select().from(table))))
  return { named, snapshot }
}
