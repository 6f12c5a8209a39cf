import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Api } from '../support/api.ts'
import { finish } from '../support/child.ts'
import { patiently } from '../support/patiently.ts'
import type { Libvirtd } from './launch.ts'

/** An image on which nothing is that boots: its machines run and do nothing, so that many of them cost little. @returns its id */
export const blankImage = async (
  demo: Pick<Api, 'must' | 'call'>,
  put: (path: string, body: Uint8Array<ArrayBuffer>) => Promise<number>,
): Promise<string> => {
  const file = join(tmpdir(), `blank-${process.pid}.qcow2`)
  await finish({ command: 'qemu-img', args: ['create', '-q', '-f', 'qcow2', file, '1M'] })
  const bytes = new Uint8Array(await readFile(file))
  await rm(file)
  const bare = { name: 'blank', disk_format: 'qcow2', container_format: 'bare' }
  const { id } = await demo.must('POST', '/image/v2/images', bare)
  assert.equal(await put(`/image/v2/images/${id}/file`, bytes), 204)
  await patiently(async () => assert.equal((await demo.must('GET', `/image/v2/images/${id}`)).status, 'active'), 60_000)
  return id
}

const wordsOf = (list: string, mark: RegExp): string[] =>
  list
    .split(/\s+/)
    .filter((word) => mark.test(word))
    .sort()

/** What has our mark on a host, as its own tools list it. */
export const oursOn = async ({ virsh, pool }: Libvirtd) => {
  await virsh('pool-refresh', pool)
  const [domains, volumes, networks, filters] = await Promise.all([
    virsh('list', '--all', '--name'),
    virsh('vol-list', pool),
    virsh('net-list', '--all', '--name'),
    virsh('nwfilter-list'),
  ])
  return {
    servers: wordsOf(domains, /^plimsoll-/),
    disks: wordsOf(volumes, /^plimsoll\.server\.[^/]*\.root$/),
    volumes: wordsOf(volumes, /^plimsoll\.volume\./),
    images: wordsOf(volumes, /^plimsoll\.image\./),
    /** Of a server, besides its disk. */
    parts: wordsOf(volumes, /^plimsoll\.server\.[^/]*$/).filter((name) => !name.endsWith('.root')),
    networks: wordsOf(networks, /^plimsoll/),
    filters: wordsOf(filters, /^plimsoll/),
  }
}

/** Nothing of ours. */
export const NOTHING = { servers: [], disks: [], volumes: [], images: [], parts: [], networks: [], filters: [] }
