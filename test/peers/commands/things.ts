import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { Ground } from '../suites/ground.ts'
import type { Api } from '../support/api.ts'
import { freePort } from '../support/child.ts'
import type { Vars } from '../support/match.ts'
import { patiently } from '../support/patiently.ts'
import type { Cli } from './client.ts'

/** What a client's list needs besides what it makes itself: names of variables, and what they stand for. */
export const furnish = (ground: Ground, cli: Cli): Promise<Vars> => FURNISH[cli](ground)

const newVolume = async ({ must, projectId }: Api, name: string): Promise<string> => {
  const base = `/volume/v3/${projectId}/volumes`
  const { volume } = await must('POST', base, { volume: { name, size: 1 } })
  await patiently(async () => {
    const { status } = (await must('GET', `${base}/${volume.id}`)).volume
    if (status !== 'available') throw new Error(`volume ${name} is ${status}`)
  }, 60_000)
  return volume.id
}

/** As `ssh-keygen` writes one. */
const publicKey = (): string => {
  const { publicKey: key } = generateKeyPairSync('ed25519')
  const kind = Buffer.from('ssh-ed25519')
  const parts = [kind, Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url')]
  const bytes = parts.flatMap((part) => [Buffer.from([0, 0, 0, part.length]), part])
  return `${kind} ${Buffer.concat(bytes).toString('base64')} nobody\n`
}

/** A server on the loopback that answers everything with the same bytes; its URL. */
const servedAt = async (bytes: Uint8Array, ends: (() => unknown)[]): Promise<string> => {
  const server = createServer((_, answer) => answer.end(bytes))
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  ends.push(() => server.close())
  return `http://127.0.0.1:${port}/data`
}

const FURNISH: Record<Cli, (ground: Ground) => Promise<Vars>> = {
  nova: async ({ admin, demo, broker }) => {
    const [key, secret] = [join(broker.folder, 'key.pub'), join(broker.folder, 'key')]
    await writeFile(key, publicKey())
    await writeFile(
      secret,
      generateKeyPairSync('rsa', {
        modulusLength: 2048,
        privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      }).privateKey,
    )
    const { services } = await admin.must('GET', '/compute/v2.1/os-services?binary=nova-compute')
    await demo.must('POST', '/network/v2.0/security-groups', { security_group: { name: 'peers-group' } })
    return {
      key,
      private: secret,
      group2: 'peers-group',
      volume: await newVolume(demo, 'peers-attached'),
      host: services[0].host,
    }
  },
  cinder: async ({ admin, demo }) => {
    const { pools } = await admin.must('GET', `/volume/v3/${admin.projectId}/scheduler-stats/get_pools`)
    const { volume_types: types } = await demo.must('GET', `/volume/v3/${demo.projectId}/types`)
    const { services } = await admin.must('GET', `/volume/v3/${admin.projectId}/os-services`)
    const v3 = await newVolume(demo, 'peers-3')
    return {
      host: pools[0].name,
      volumehost: services[0]?.host ?? pools[0].name,
      usualtype: types[0].name,
      othertype: types.at(-1).name,
      v3,
      v4: await newVolume(demo, 'peers-4'),
      service: 'cinder.backup.drivers.nfs.NFSBackupDriver',
      url: 'eyJhIjoxfQ==',
    }
  },
  glance: async ({ broker, ends }) => {
    const write = async (name: string, what: unknown) => {
      const file = join(broker.folder, name)
      await writeFile(file, JSON.stringify(what))
      return file
    }
    const uri = await servedAt(new Uint8Array(4096), ends)
    const properties = { disk_format: 'raw', container_format: 'bare' }
    return {
      uri,
      namespace: await write('namespace', { namespace: 'peers::file', display_name: 'Peers' }),
      schema: JSON.stringify({ properties: { a: { title: 'A', type: 'string' } } }),
      property: '{}',
      task: JSON.stringify({ import_from: uri, import_from_format: 'raw', image_properties: properties }),
    }
  },
  neutron: async () => ({}),
}
