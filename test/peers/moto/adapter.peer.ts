import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DescribeSnapshotsCommand } from '@aws-sdk/client-ec2'
import { aws } from '../../../adapters/aws/index.ts'
import { isTask, KINDS, type Kind, type Seen } from '../../../adapters/contract.ts'
import { CloudError, type CloudErrorCode } from '../../../adapters/errors.ts'
import { capabilitiesOf } from '../../../adapters/registry.ts'
import { CASES, type Skips, until, Workshop } from '../../adapters/cases.ts'
import { rawDisk } from '../../support/disks.ts'
import { Report } from '../support/report.ts'
import { connection, motoCloud, surroundings } from './cloud.ts'
import type { Rule } from './fault-proxy.ts'

type MotoWorld = Awaited<ReturnType<typeof motoCloud>>

/** Why a case of the shared suite does not apply to EC2, or not to moto. */
export const SKIPS: Skips = {
  'server.rebuild':
    'moto has no CreateReplaceRootVolumeTask; test/adapters/aws/server.test.ts plays it from the API reference',
  'port.address': 'EC2 chooses MAC addresses itself; the rest of the case is told below',
}

/** The call that makes each kind. */
const MAKES: Record<Kind, string> = {
  network: 'CreateVpc',
  subnet: 'CreateSubnet',
  router: 'CreateInternetGateway',
  security_group: 'CreateSecurityGroup',
  port: 'CreateNetworkInterface',
  keypair: 'ImportKeyPair',
  floating_ip: 'AllocateAddress',
  volume: 'CreateVolume',
  snapshot: 'CreateSnapshot',
  image: 'CreateImage',
  server_group: 'CreatePlacementGroup',
  server: 'RunInstances',
  attachment: 'AttachVolume',
  interface: 'AttachNetworkInterface',
}
/** moto knows a thousand images and snapshots before anybody makes one: too many for pages of two. */
const SMALL = KINDS.filter((kind) => kind !== 'image' && kind !== 'snapshot')

const refused = async (call: () => Promise<unknown> | undefined, code: CloudErrorCode): Promise<void> => {
  const error = await call()?.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  assert(error instanceof CloudError, `the call must be refused as ${code}`)
  assert.equal(error.code, code, error.detail.operatorMessage ?? error.message)
}

/** The adapter on moto behind the fault proxy: the shared suite, then what only the proxy can provoke. */
export const adapterOnMoto = async (report: Report): Promise<void> => {
  const world = await motoCloud()
  const step = async (title: string, run: (shop: Workshop) => Promise<void>, skip?: string): Promise<void> => {
    if (skip !== undefined) return report.step('adapter on moto', title, 'skipped', 0, skip)
    const started = Date.now()
    const shop = new Workshop(world)
    const ended = (result: 'passed' | 'failed', detail = '') =>
      report.step('adapter on moto', title, result, Date.now() - started, detail)
    try {
      try {
        await run(shop)
      } finally {
        world.proxy.rules = []
        world.proxy.pageSize = null
        await shop.close()
      }
      ended('passed')
    } catch (error) {
      ended(
        'failed',
        error instanceof CloudError ? `${error.message} (${error.detail.operatorMessage})` : String(error),
      )
    }
  }
  try {
    const has = capabilitiesOf(world.cloud, aws)
    for (const { id, title, needs, run } of CASES) {
      const lack = needs.find((need) => !has[need].available)
      await step(`${title} [${id}]`, run, SKIPS[id] ?? (lack && has[lack].reason))
    }
    for (const kind of SMALL) {
      await step(`${kind}: in pages of two [${kind}.life]`, async (shop) => {
        world.proxy.pageSize = 2
        await CASES.find(({ id }) => id === `${kind}.life`)!.run(shop)
      })
    }
    for (const kind of KINDS) await faults(kind, world, step)
    await stories(world, step)
    await uploads(world, step)
    await step('every call is one that the policy of the README names', () => policy(world))
  } finally {
    await world.close()
  }
}

type Step = (title: string, run: (shop: Workshop) => Promise<void>) => Promise<void>

/** What each kind does when its create call fails in one of the four ways. */
const faults = async (kind: Kind, world: MotoWorld, step: Step): Promise<void> => {
  const failing = async (shop: Workshop, fault: string) => {
    const realm = shop.realm(kind)
    const spec = await shop.spec(kind)
    const mark = shop.mark(kind)
    const rule: Rule = { action: MAKES[kind], fault, times: 1 }
    world.proxy.rules = [rule]
    return { realm, spec, mark, create: () => realm.create(spec, mark) }
  }
  await step(`${kind}: an answer that is lost leaves one object, found by its mark`, async (shop) => {
    const { realm, spec, mark, create } = await failing(shop, 'lost-answer')
    await refused(create, 'ambiguous')
    const found = await realm.find(mark, spec)
    assert(found, 'the call took effect')
    shop.keep(kind, found.id, mark)
    const again = realm.once === 'none' ? found : await shop.settled(kind, await create())
    assert.equal(again.id, found.id)
    const listed = await shop.pages((cursor) => realm.list(cursor))
    assert.equal(listed.filter((seen) => seen.id === found.id || seen.mark?.token === mark.token).length, 1)
    if (realm.update) await shop.settled(kind, await realm.update(found.id, spec))
  })
  for (const [fault, code] of [
    ['lost-call', 'ambiguous'],
    ['garbage', 'ambiguous'],
    ['RequestLimitExceeded', 'throttled'],
  ] as const) {
    await step(`${kind}: ${fault} makes nothing, and the next call makes one`, async (shop) => {
      const { realm, spec, mark, create } = await failing(shop, fault)
      await refused(create, code)
      assert.equal(await realm.find(mark, spec), null)
      await shop.make(kind, spec, mark)
    })
  }
}

const stories = async (world: MotoWorld, step: Step): Promise<void> => {
  const { proxy } = world
  await step('a set-up that is interrupted is a task, and the task finishes it', async (shop) => {
    for (const [kind, action] of [
      ['network', 'ModifyVpcAttribute'],
      ['security_group', 'RevokeSecurityGroupEgress'],
      ['router', 'AssociateRouteTable'],
    ] as const) {
      const spec = await shop.spec(kind)
      const mark = shop.mark(kind)
      proxy.rules = [{ action, fault: 'InternalError', times: 1 }]
      const outcome = await shop.realm(kind).create(spec, mark)
      assert(isTask(outcome), `${kind} cannot be ready`)
      const { id } = await shop.settled<Seen>(kind, outcome)
      shop.keep(kind, id, mark)
      assert.equal((await shop.realm(kind).find(mark, spec))?.id, id)
    }
  })
  await step('no room is told apart from other errors', async (shop) => {
    const spec = await shop.spec('server')
    proxy.rules = [{ action: 'RunInstances', fault: 'InsufficientInstanceCapacity', times: 1 }]
    await refused(() => shop.realm('server').create(spec, shop.mark('server')), 'capacity')
  })
  await step('a token with other contents is ambiguous: something has been made with it', async (shop) => {
    const spec = await shop.spec('volume')
    const mark = shop.mark('volume')
    await shop.make('volume', spec, mark)
    await refused(() => shop.realm('volume').create({ ...spec, sizeGiB: 7 }, mark), 'ambiguous')
  })
  await step('an address that is taken is refused', async (shop) => {
    const spec = await shop.spec('port')
    await shop.make('port', spec)
    await refused(() => shop.realm('port').create(spec, shop.mark('port')), 'conflict')
  })
  await step('what is not visible yet is found later', async (shop) => {
    const spec = await shop.spec('server')
    const mark = shop.mark('server')
    const realm = shop.realm('server')
    proxy.rules = [{ action: 'RunInstances', fault: 'delay-visibility', ms: 1_500 }]
    const { id } = await shop.settled('server', await realm.create(spec, mark))
    shop.keep('server', id, mark)
    assert.equal(await realm.find(mark, spec), null)
    const found = () => realm.find(mark, spec)
    assert.equal((await until(world, 'server found', found, (seen) => seen !== null))?.id, id)
  })
  await step('a cloud that fails in one call of five gets everything done once', async (shop) => {
    proxy.rules = [
      { action: '*', fault: 'lost-answer', probability: 0.1 },
      { action: '*', fault: 'RequestLimitExceeded', probability: 0.1 },
    ]
    const stubborn = async <T>(call: () => Promise<T>): Promise<T> => {
      for (let i = 0; ; i++) {
        try {
          return await call()
        } catch (error) {
          const again = error instanceof CloudError && ['ambiguous', 'throttled', 'conflict'].includes(error.code)
          if (!again || i > 50) throw error
        }
      }
    }
    // As the broker does it: look first, then ask with the same token.
    const made: { kind: Kind; id: string; mark: ReturnType<Workshop['mark']> }[] = []
    const make = async (kind: Kind, spec: unknown): Promise<string> => {
      const realm = shop.realm(kind)
      const mark = shop.mark(kind)
      let seen = await stubborn(async () => (await realm.find(mark, spec)) ?? (await realm.create(spec, mark)))
      while (isTask(seen)) {
        const { task } = seen
        seen = await stubborn(() => realm.poll!(task))
      }
      made.push({ kind, id: seen.id, mark })
      return seen.id
    }
    const { zone, cidr, size, image } = world.fixtures
    const network = await make('network', { name: 'n', cidrs: [cidr] })
    const subnetSpec = { name: 's', network, cidr, gateway: null, zone, dhcp: true, dnsServers: [] }
    const subnet = await make('subnet', subnetSpec)
    const group = await make('security_group', { name: 'g', description: '', network, rules: [] })
    const router = { name: 'r', gateway: true, interfaces: [{ network, subnet }], routes: [] }
    await make('router', router)
    const at = (address: string) => ({
      name: 'p',
      network,
      addresses: [{ subnet, address }],
      mac: '',
      securityGroups: [group],
      portSecurity: true,
    })
    const port = await make('port', at('10.20.0.30'))
    const volume = await make('volume', { name: 'v', sizeGiB: 1, zone, type: null, source: null })
    const none = { keypair: null, publicKey: null, userData: null, metadata: {}, configDrive: false }
    const server = await make('server', { name: 'w', size, image, zone, ports: [port], ...none })
    await make('attachment', { server, volume, device: null })
    await make('floating_ip', { target: { port, address: '10.20.0.30' } })
    for (const { kind, mark } of made) {
      const listed = await stubborn(() => shop.pages((cursor) => shop.realm(kind).list(cursor)))
      const own = listed.filter((seen) => seen.mark?.token === mark.token && seen.mark.kind === kind)
      assert.equal(own.length, kind === 'attachment' ? 0 : 1, kind)
    }
    for (const { kind, id, mark } of made.reverse()) {
      const realm = shop.realm(kind)
      await stubborn(async () => {
        await realm.remove(id, mark)
        const seen = await realm.get(id)
        if (seen && seen.health !== 'gone') throw new CloudError('conflict', `${kind} is still there.`)
      })
    }
  })
  await step('a mapped role is assumed, once', async () => {
    const mapping = { role_arn: 'arn:aws:iam::123456789012:role/plimsoll', external_id: 'e-1' }
    const around = surroundings()
    const before = proxy.log.length
    for (let i = 0; i < 2; i++) {
      assert((await aws.connect(connection(proxy.url, { mapping }), around).zones()).length > 0)
    }
    const calls = proxy.log.slice(before).map(({ action }) => action)
    assert.deepEqual(calls, ['AssumeRole', 'DescribeAvailabilityZones', 'DescribeAvailabilityZones'])
  })
  await step('a lent VPC is used and stays', async (shop) => {
    const lender = await shop.make('network', await shop.spec('network'))
    const guest = aws.connect(connection(proxy.url, { mapping: { vpc: lender.id } }), surroundings())
    const spec = { name: 'guest', cidrs: [world.fixtures.cidr] }
    const lent = await guest.network!.create(spec, shop.mark('network'))
    assert(!isTask(lent) && lent.id === lender.id)
    await guest.network!.remove(lender.id, shop.mark('network'))
    assert.equal((await shop.realm('network').get(lender.id))?.health, 'ready')
  })
  await step('DNS servers become the DHCP options of the VPC and go with it', async (shop) => {
    const subnet = await shop.make('subnet', { ...(await shop.spec('subnet')), dnsServers: ['9.9.9.9'] })
    const spec = { ...(await shop.spec('subnet')), dnsServers: ['1.1.1.1', '9.9.9.9'] }
    await shop.settled('subnet', await shop.realm('subnet').update!(subnet.id, spec))
    const calls = () => proxy.log.map(({ action }) => action)
    assert.equal(calls().filter((action) => action === 'CreateDhcpOptions').length, 2)
    assert.equal(calls().filter((action) => action === 'DeleteDhcpOptions').length, 1)
    await shop.close()
    assert.equal(calls().filter((action) => action === 'DeleteDhcpOptions').length, 2)
  })
}

/** Uploaded data, as EBS itself holds it: asked past the adapter and past the proxy. */
const blocksOn = async ({ moto }: MotoWorld, snapshot: string): Promise<Map<number, Uint8Array>> => {
  const scope = '20260101/us-east-1/ebs/aws4_request'
  const headers = {
    authorization: `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/${scope}, SignedHeaders=host, Signature=0`,
  }
  const ask = (path: string) => fetch(`${moto.url}/snapshots/${snapshot}/blocks${path}`, { headers })
  const { Blocks } = (await (await ask('')).json()) as { Blocks: { BlockIndex: number; BlockToken: string }[] }
  const found = new Map<number, Uint8Array>()
  for (const { BlockIndex, BlockToken } of Blocks)
    found.set(
      Number(BlockIndex),
      new Uint8Array(await (await ask(`/${BlockIndex}?blockToken=${BlockToken}`)).arrayBuffer()),
    )
  return found
}

const uploads = async (world: MotoWorld, step: Step): Promise<void> => {
  const bytes = rawDisk()
  const data = {
    blob: 'upload',
    format: 'raw/bare',
    sizeBytes: bytes.length,
    arch: 'x86_64',
    os: 'linux',
    minDiskGiB: 1,
  }
  const spec = { name: 'own', source: { kind: 'data', ...data } }
  const put = () => world.blobs.write('upload', new Blob([bytes]).stream())
  const snapshotOf = (token: string) => {
    const Filters = [{ Name: 'tag:plimsoll:token', Values: [token] }]
    return world.ec2.send(new DescribeSnapshotsCommand({ Filters })).then(({ Snapshots = [] }) => Snapshots)
  }

  await step('an uploaded disk is on EBS block for block, but for its zeros', async (shop) => {
    await put()
    const mark = shop.mark('image')
    await shop.make('image', spec, mark)
    const [snapshot, ...others] = await snapshotOf(mark.token)
    assert.equal(others.length, 0)
    const blocks = await blocksOn(world, snapshot!.SnapshotId!)
    assert.deepEqual([...blocks.keys()].sort(), [0, 2, 3])
    for (const [index, block] of blocks) {
      const want = new Uint8Array(524_288)
      want.set(bytes.subarray(index * 524_288, (index + 1) * 524_288))
      assert(Buffer.from(block).equals(Buffer.from(want)), `block ${index} differs`)
    }
  })
  // moto keeps a thousand snapshots, and looks at each of them for every question: no more than what differs.
  for (const [action, faults] of Object.entries({
    StartSnapshot: ['lost-answer', 'lost-call'],
    PutSnapshotBlock: ['lost-answer', 'ThrottlingException'],
    CompleteSnapshot: ['lost-answer'],
    RegisterImage: ['lost-answer'],
  }))
    for (const fault of faults)
      await step(`an upload is made once when ${action} meets ${fault}`, async (shop) => {
        await put()
        const mark = shop.mark('image')
        const realm = shop.realm('image')
        world.proxy.rules = [{ action, fault, times: 1 }]
        // As the broker does it: what has no clear answer is looked up, then asked again.
        const again = async <T>(call: () => Promise<T>): Promise<T> =>
          call().catch((error) => {
            assert(error instanceof CloudError && ['ambiguous', 'throttled'].includes(error.code), String(error))
            return call()
          })
        let outcome = await again(async () => (await realm.find(mark, spec)) ?? (await realm.create(spec, mark)))
        while (isTask(outcome)) {
          const { task } = outcome
          outcome = await again(() => realm.poll!(JSON.parse(JSON.stringify(task))))
        }
        shop.keep('image', outcome.id, mark)
        const [snapshot, ...others] = await snapshotOf(mark.token)
        assert.equal(others.length, 0)
        assert.equal((await blocksOn(world, snapshot!.SnapshotId!)).size, 3)
        await shop.close()
        assert.deepEqual(await snapshotOf(mark.token), [])
      })
}

const policy = async ({ proxy }: MotoWorld): Promise<void> => {
  const readme = readFileSync(new URL('../../../adapters/aws/README.md', import.meta.url), 'utf8')
  const allowed = new Set([...readme.matchAll(/"(?:ec2|ebs):([A-Z]\w+)"/g)].map(([, action]) => action))
  const used = new Set(proxy.log.map(({ action }) => action))
  for (const sts of ['GetCallerIdentity', 'AssumeRole']) used.delete(sts)
  assert(used.size > 50, `only ${used.size} different calls were made`)
  assert.deepEqual(
    [...used].filter((action) => !allowed.has(action)),
    [],
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = new Report()
  await adapterOnMoto(report)
  report.print()
  process.exit(report.count('failed') ? 1 : 0)
}
