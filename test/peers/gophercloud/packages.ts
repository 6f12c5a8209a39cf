import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildGoTests, type Release, sourceOf } from '../support/go.ts'
import type { TestBinary } from './run.ts'

export const GOPHERCLOUD: Release = {
  module: 'github.com/gophercloud/gophercloud/v2',
  version: 'v2.16.0',
  sum: 'h1:qhQKoU5mNX8hp4YVN5eks8Y6zFFlBAMYCu55Fc+tGkc=',
}

const CACHE = fileURLToPath(new URL(`../../../.cache/peers/gophercloud/${GOPHERCLOUD.version}/`, import.meta.url))
const TESTS = 'internal/acceptance/openstack'
const EXTENSIONS = [
  'agents',
  'dns',
  'layer3',
  'mtu',
  'networkipavailabilities',
  'portsbinding',
  'qos/policies',
  'qos/rules',
  'qos/ruletypes',
  'quotas',
  'rbacpolicies',
  'segments',
  'subnetpools',
  'trunk_details',
  'trunks',
  'vlantransparent',
]

/**
 * Packages of acceptance tests, of services that there are. Left out: services that there are not (bare metal, DNS, load
 * balancers, …), what Cinder and Keystone themselves gave up (their v2, and Cinder without a Keystone), and extensions of
 * Neutron that are plugins of their own (BGP, firewalls, VPN, taps).
 */
export const PACKAGES: readonly string[] = [
  '.',
  'identity/v3',
  'image/v2',
  'networking/v2',
  'networking/v2/extensions',
  ...EXTENSIONS.map((name) => `networking/v2/extensions/${name}`),
  'blockstorage/v3',
  'compute/v2',
]

/** The tests of a package, built once of the source of its release. */
export const testsOf = async (name: string): Promise<TestBinary> => {
  const source = await sourceOf(GOPHERCLOUD)
  const path = join(TESTS, name)
  const command = join(CACHE, `${name === '.' ? 'openstack' : name.replaceAll('/', '-')}.test`)
  if (!existsSync(command)) {
    await mkdir(CACHE, { recursive: true })
    const fresh = `${command}.${process.pid}`
    await buildGoTests(source, { path: `./${path}`, tags: ['fixtures', 'acceptance'] }, fresh)
    await rename(fresh, command)
  }
  return { command, folder: join(source, path) }
}
