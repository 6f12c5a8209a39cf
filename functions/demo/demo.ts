import { generateKeyPairSync } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Client, type Json, Refused } from './client.ts'

/**
 * The main job against a running broker, as any client would do it: a server comes up on a cloud, is looked at, stopped,
 * started, gets a disk, and everything goes again. Nothing but the OpenStack API is used.
 */

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    flavor: { type: 'string', default: 'm1.tiny' },
    image: { type: 'string' },
    zone: { type: 'string' },
  },
})
const client = new Client(options.url)
const name = `demo-${Math.random().toString(36).slice(2, 7)}`
const [compute, network, volume] = ['/compute/v2.1', '/network/v2.0', '/volume/v3']

const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`

/** One line: what is done, what happens on the way, what came of it, and how long it took. */
const step = async (title: string, work: () => Promise<string>): Promise<void> => {
  if (client.interrupted) throw new Refused('interrupted')
  const started = Date.now()
  process.stdout.write(`${title.padEnd(22)} `)
  try {
    console.log(`${await work()}  (${seconds(started)})`)
  } catch (error) {
    console.log('✗')
    throw error
  }
}

/** What has to go again, newest first. */
const leftovers: { title: string; path: string }[] = []
const later = (title: string, path: string) => leftovers.unshift({ title, path })

const newKey = (): string => {
  const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
  const blob = Buffer.concat([field(Buffer.from('ssh-ed25519')), field(Buffer.from(x!, 'base64url'))])
  return `ssh-ed25519 ${blob.toString('base64')} demo`
}

/** A flavor and an image to begin with. */
const choose = async (): Promise<{ flavor: Json; image: Json }> => {
  const { flavors } = await client.must('GET', `${compute}/flavors/detail`)
  const { images } = await client.must('GET', '/image/v2/images?status=active')
  const flavor = flavors.find((each: Json) => each.name === options.flavor)
  const image = images.find((each: Json) =>
    options.image ? each.name === options.image : each.architecture !== 'aarch64',
  )
  if (!flavor) throw new Refused(`there is no flavor ${options.flavor}`)
  if (!image) throw new Refused(`there is no image ${options.image ?? ''}; is a cloud mapped to project demo?`)
  return { flavor, image }
}

/** Everything that a server stands on; gives what names it in a request for one. */
const ground = async (): Promise<Json> => {
  let id = ''
  await step('keypair', async () => {
    const { keypair } = await client.must('POST', `${compute}/os-keypairs`, { keypair: { name, public_key: newKey() } })
    later('keypair', `${compute}/os-keypairs/${name}`)
    return keypair.fingerprint
  })
  await step('network and subnet', async () => {
    id = (await client.must('POST', `${network}/networks`, { network: { name } })).network.id
    later('network', `${network}/networks/${id}`)
    const subnet = { name, network_id: id, ip_version: 4, cidr: '10.77.0.0/24' }
    return (await client.must('POST', `${network}/subnets`, { subnet })).subnet.cidr
  })
  await step('security group', async () => {
    const { security_group: group } = await client.must('POST', `${network}/security-groups`, {
      security_group: { name },
    })
    later('security group', `${network}/security-groups/${group.id}`)
    const ssh = {
      security_group_id: group.id,
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: 22,
      port_range_max: 22,
    }
    await client.must('POST', `${network}/security-group-rules`, { security_group_rule: ssh })
    return 'lets in tcp 22'
  })
  return { key_name: name, networks: [{ uuid: id }], security_groups: [{ name }] }
}

const main = async (): Promise<void> => {
  let wish: Json
  await step('log in', async () => {
    await client.logIn()
    return `user demo at ${client.origin}`
  })
  await step('flavor and image', async () => {
    const { flavor, image } = await choose()
    wish = {
      name,
      flavorRef: flavor.id,
      imageRef: image.id,
      ...(options.zone ? { availability_zone: options.zone } : {}),
    }
    return `${flavor.name} and ${image.name}`
  })
  Object.assign(wish, await ground())

  let server = ''
  let zone = ''
  const reach = (status: string) =>
    client.wait(
      server,
      (body) =>
        (body?.server.status === status && !body.server['OS-EXT-STS:task_state']) || (body?.server.status ?? 'gone'),
    )
  const act = (title: string, body: Json, status: string) =>
    step(title, async () => {
      await client.must('POST', `${server}/action`, body)
      await reach(status)
      return status
    })
  await step('server', async () => {
    server = `${compute}/servers/${(await client.must('POST', `${compute}/servers`, { server: wish })).server.id}`
    later('server', server)
    await reach('ACTIVE')
    const made = (await client.must('GET', server)).server
    zone = made['OS-EXT-AZ:availability_zone']
    return `ACTIVE in ${zone} at ${made.addresses[name]?.[0]?.addr ?? 'no address'}`
  })
  await step('console log', async () => {
    const { output } = await client.must('POST', `${server}/action`, { 'os-getConsoleOutput': { length: 3 } })
    return String(output).trim().split('\n').at(-1)?.slice(0, 70) || 'empty'
  })
  await act('stop', { 'os-stop': null }, 'SHUTOFF')
  await act('start', { 'os-start': null }, 'ACTIVE')

  let disk = ''
  const become = async (status: string): Promise<string> => {
    await client.wait(disk, (body) => body.volume.status === status || body.volume.status)
    return status
  }
  await step('volume of 1 GiB', async () => {
    const made = await client.must('POST', `${volume}/volumes`, { volume: { name, size: 1, availability_zone: zone } })
    disk = `${volume}/volumes/${made.volume.id}`
    later('volume', disk)
    return become('available')
  })
  const attachments = `${server}/os-volume_attachments`
  const volumeId = disk.split('/').at(-1)
  await step('attach it', async () => {
    await client.must('POST', attachments, { volumeAttachment: { volumeId } })
    return become('in-use')
  })
  await step('detach it', async () => {
    await client.must('DELETE', `${attachments}/${volumeId}`)
    return become('available')
  })
}

process.on('SIGINT', () => {
  if (client.interrupted) process.exit(130)
  client.interrupted = true
})
const started = Date.now()
const faults: string[] = []
const note = (error: unknown) => faults.push(error instanceof Refused ? error.message : String((error as Error).stack))
await main().catch(note)
client.interrupted = false
for (const { title, path } of leftovers)
  await step(`delete ${title}`, async () => {
    await client.remove(path)
    return 'gone'
  }).catch(note)
if (faults.length) console.error(`demo: ${faults.join('; ')}`)
else console.log(`\nAll of it through the OpenStack API, in ${seconds(started)}.`)
process.exit(faults.length ? 1 : 0)
