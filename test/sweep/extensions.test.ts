import { beforeAll, describe, expect, test } from 'vitest'
import { operations } from '../../functions/app.ts'
import { createNetwork, createServer, createVolume } from '../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../support/harness.ts'

/*
 * What Nova and Cinder list as extensions is there, and what is not there is not listed: each alias stands for routes, for
 * an action, or for a member of an answer. (Neutron's are compared in its own stories.)
 */

/** A route by method and path, an action of servers or volumes, or a member of what is shown. */
interface Promised {
  routes?: string[]
  action?: Record<string, unknown>
  member?: string
  of?: string
}

const NOVA: Record<string, Promised> = {
  'OS-DCF': { member: 'OS-DCF:diskConfig', of: 'server' },
  'OS-EXT-AZ': { member: 'OS-EXT-AZ:availability_zone', of: 'server' },
  'OS-EXT-IMG-SIZE': { member: 'OS-EXT-IMG-SIZE:size', of: 'image' },
  'OS-EXT-IPS': { member: 'OS-EXT-IPS:type', of: 'address' },
  'OS-EXT-IPS-MAC': { member: 'OS-EXT-IPS-MAC:mac_addr', of: 'address' },
  'OS-EXT-SRV-ATTR': { member: 'OS-EXT-SRV-ATTR:instance_name', of: 'server' },
  'OS-EXT-STS': { member: 'OS-EXT-STS:vm_state', of: 'server' },
  'OS-FLV-DISABLED': { member: 'OS-FLV-DISABLED:disabled', of: 'flavor' },
  'OS-FLV-EXT-DATA': { member: 'OS-FLV-EXT-DATA:ephemeral', of: 'flavor' },
  'OS-SCH-HNT': { routes: ['POST /servers'] },
  'OS-SRV-USG': { member: 'OS-SRV-USG:launched_at', of: 'server' },
  'os-access-ips': { member: 'accessIPv4', of: 'server' },
  'os-admin-actions': { action: { 'os-resetState': { state: 'active' } } },
  'os-aggregates': { routes: ['GET /os-aggregates', 'POST /os-aggregates', 'POST /os-aggregates/:id/action'] },
  'os-attach-interfaces': { routes: ['GET /servers/:id/os-interface', 'POST /servers/:id/os-interface'] },
  'os-availability-zone': { routes: ['GET /os-availability-zone', 'GET /os-availability-zone/detail'] },
  'os-block-device-mapping': { routes: ['POST /servers'] },
  'os-block-device-mapping-v2-boot': { routes: ['POST /servers'] },
  'os-config-drive': { member: 'config_drive', of: 'server' },
  'os-console-output': { action: { 'os-getConsoleOutput': {} } },
  'os-consoles': { routes: ['GET /servers/:id/consoles', 'POST /servers/:id/consoles'] },
  'os-create-backup': { action: { createBackup: { name: 'a', backup_type: 'daily', rotation: 0 } } },
  'os-extended-quotas': { routes: ['DELETE /os-quota-sets/:id'] },
  'os-extended-volumes': { member: 'os-extended-volumes:volumes_attached', of: 'server' },
  'os-flavor-access': { member: 'os-flavor-access:is_public', of: 'flavor' },
  'os-flavor-extra-specs': { routes: ['GET /flavors/:id/os-extra_specs', 'POST /flavors/:id/os-extra_specs'] },
  'os-flavor-manage': { routes: ['POST /flavors', 'DELETE /flavors/:id'] },
  'os-flavor-rxtx': { member: 'rxtx_factor', of: 'flavor' },
  'os-flavor-swap': { member: 'swap', of: 'flavor' },
  'os-floating-ip-pools': { routes: ['GET /os-floating-ip-pools'] },
  'os-floating-ips': { routes: ['GET /os-floating-ips', 'POST /os-floating-ips', 'DELETE /os-floating-ips/:id'] },
  'os-hosts': { routes: ['GET /os-hosts', 'GET /os-hosts/:id'] },
  'os-hypervisor-status': { member: 'status', of: 'hypervisor' },
  'os-hypervisors': { routes: ['GET /os-hypervisors', 'GET /os-hypervisors/detail', 'GET /os-hypervisors/:id'] },
  'os-instance-actions': {
    routes: ['GET /servers/:id/os-instance-actions', 'GET /servers/:id/os-instance-actions/:request'],
  },
  'os-instance_usage_audit_log': {
    routes: ['GET /os-instance_usage_audit_log', 'GET /os-instance_usage_audit_log/:id'],
  },
  'os-keypairs': { routes: ['GET /os-keypairs', 'POST /os-keypairs', 'DELETE /os-keypairs/:name'] },
  'os-lock-server': { action: { lock: null } },
  'os-migrations': { routes: ['GET /os-migrations'] },
  'os-multiple-create': { routes: ['POST /servers'] },
  'os-networks': { routes: ['GET /os-networks', 'GET /os-networks/:id'] },
  'os-pause-server': { action: { pause: null } },
  'os-quota-class-sets': { routes: ['GET /os-quota-class-sets/:id'] },
  'os-quota-sets': { routes: ['GET /os-quota-sets/:id', 'PUT /os-quota-sets/:id'] },
  'os-security-groups': {
    routes: ['GET /os-security-groups', 'POST /os-security-groups', 'POST /os-security-group-rules'],
  },
  'os-server-external-events': { routes: ['POST /os-server-external-events'] },
  'os-server-groups': {
    routes: ['GET /os-server-groups', 'POST /os-server-groups', 'DELETE /os-server-groups/:id'],
  },
  'os-server-list-multi-status': { routes: ['GET /servers'] },
  'os-server-sort-keys': { routes: ['GET /servers'] },
  'os-server-start-stop': { action: { 'os-stop': null } },
  'os-services': { routes: ['GET /os-services'] },
  'os-simple-tenant-usage': { routes: ['GET /os-simple-tenant-usage', 'GET /os-simple-tenant-usage/:id'] },
  'os-suspend-server': { action: { suspend: null } },
  'os-tenant-networks': { routes: ['GET /os-tenant-networks', 'GET /os-tenant-networks/:id'] },
  'os-used-limits': { routes: ['GET /limits'] },
  'os-used-limits-for-admin': { routes: ['GET /limits'] },
  'os-user-data': { routes: ['POST /servers'] },
  'os-volumes': {
    routes: [
      'GET /os-volumes',
      'GET /os-snapshots',
      'GET /servers/:id/os-volume_attachments',
      'POST /servers/:id/os-volume_attachments',
    ],
  },
}

const CINDER: Record<string, Promised> = {
  'os-admin-actions': { action: { 'os-reset_status': { status: 'available' } } },
  'os-availability-zone': { routes: ['GET /os-availability-zone'] },
  'os-extended-snapshot-attributes': { member: 'os-extended-snapshot-attributes:progress', of: 'snapshot' },
  'os-hosts': { routes: ['GET /os-hosts', 'GET /os-hosts/:host'] },
  'os-quota-class-sets': { routes: ['GET /os-quota-class-sets/:id'] },
  'os-quota-sets': { routes: ['GET /os-quota-sets/:id', 'PUT /os-quota-sets/:id'] },
  'os-services': { routes: ['GET /os-services'] },
  'os-types-extra-specs': { routes: ['GET /types/:id/extra_specs', 'POST /types/:id/extra_specs'] },
  'os-types-manage': { routes: ['POST /types', 'PUT /types/:id', 'DELETE /types/:id'] },
  backups: { routes: ['GET /backups', 'POST /backups', 'POST /backups/:id/restore'] },
  capabilities: { routes: ['GET /capabilities/:host'] },
  encryption: { routes: ['GET /types/:id/encryption', 'POST /types/:id/encryption'] },
  'qos-specs': { routes: ['GET /qos-specs', 'POST /qos-specs', 'GET /qos-specs/:id/associate'] },
  'scheduler-stats': { routes: ['GET /scheduler-stats/get_pools'] },
  'os-volume-manage': { routes: ['POST /os-volume-manage'] },
  'os-volume-transfer': { routes: ['POST /os-volume-transfer', 'POST /os-volume-transfer/:id/accept'] },
  'os-used-limits': { routes: ['GET /limits'] },
  'os-volume-actions': { action: { 'os-extend': { new_size: 9 } } },
  'os-vol-host-attr': { member: 'os-vol-host-attr:host', of: 'volume' },
  'os-vol-image-meta': { action: { 'os-set_image_metadata': { metadata: { a: 'b' } } } },
  'os-vol-mig-status-attr': { member: 'os-vol-mig-status-attr:migstat', of: 'volume' },
  'os-vol-tenant-attr': { member: 'os-vol-tenant-attr:tenant_id', of: 'volume' },
  'os-volume-type-access': { member: 'os-volume-type-access:is_public', of: 'type' },
}

let plimsoll: Plimsoll
let admin: Client
let server: string
let volume: string
const shown: Record<string, Record<string, unknown>> = {}

beforeAll(async () => {
  plimsoll = await startPlimsoll()
  admin = plimsoll.as('admin')
  const demo = plimsoll.as('demo')
  const { network } = await createNetwork(demo)
  server = await createServer(plimsoll, demo, { networks: [{ uuid: network }] })
  volume = await createVolume(plimsoll, demo)
  const snapshot = await demo.post('/volume/v3/snapshots', { snapshot: { volume_id: volume } }, VOLUME)
  await plimsoll.settle()
  const nova = async (path: string) => (await admin.get(`/compute/v2.1${path}`)).body
  const cinder = async (path: string) => (await admin.get(`${base()}${path}`)).body
  shown.server = (await nova(`/servers/${server}`)).server
  shown.address = (Object.values(shown.server!.addresses as object)[0] as Record<string, unknown>[])[0]!
  shown.image = (await nova('/images/detail')).images[0]
  shown.flavor = (await nova('/flavors/1')).flavor
  shown.hypervisor = (await nova('/os-hypervisors')).hypervisors[0]
  shown.volume = (await cinder(`/volumes/${volume}`)).volume
  shown.snapshot = (await cinder(`/snapshots/${snapshot.body.snapshot.id}`)).snapshot
  shown.type = (await cinder('/types')).volume_types[0]
})

const VOLUME = { 'OpenStack-API-Version': 'volume 3.70' }
const base = () => `/volume/v3/${plimsoll.projectId('demo')}`
const routesOf = (prefix: string): Set<string> =>
  new Set(
    operations
      .filter(({ service }) => service.prefix.startsWith(prefix))
      .map(
        ({ operation: { method, path } }) =>
          `${method} ${path
            .replace(/^\/v3/, '')
            .replace(/^\/:project_id(\{[^}]*\})?/, '')
            .replaceAll(/:\w+/g, ':x')}`,
      ),
  )

describe.each([
  ['Nova', '/compute', '/compute/v2.1', NOVA, () => `/compute/v2.1/servers/${server}/action`],
  ['Cinder', '/volume', '/volume/v3', CINDER, () => `${base()}/volumes/${volume}/action`],
] as const)('extensions of %s', (_, prefix, path, promised, actions) => {
  const listed = async (): Promise<string[]> =>
    (await admin.get(`${path}/extensions`, prefix === '/volume' ? VOLUME : {})).body.extensions.map(
      ({ alias }: { alias: string }) => alias,
    )

  test('are those that are known here, no more and no less', async () => {
    expect((await listed()).toSorted()).toEqual(Object.keys(promised).toSorted())
  })

  test.each(Object.entries<Promised>(promised))('%s is there', async (_alias, { routes = [], action, member, of }) => {
    for (const route of routes) expect(routesOf(prefix)).toContain(route.replaceAll(/:\w+/g, ':x'))
    if (of) expect(shown[of]).toHaveProperty([member!])
    if (action) {
      const answer = await admin.post(actions(), action)
      expect([answer.status, answer.body]).toEqual([expect.toSatisfy((status: number) => status < 300), answer.body])
      await plimsoll.settle()
      for (const back of [{ 'os-start': null }, { unpause: null }, { resume: null }, { unlock: null }])
        await admin.post(actions(), back)
      await plimsoll.settle()
    }
  })
})
