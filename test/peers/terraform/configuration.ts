import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { finish } from '../support/child.ts'
import { pageFor, writeFiles } from '../support/page.ts'
import type { Programs } from './programs.ts'

const FILES = ['main.tf', 'common.tf', 'workers.tf', 'store.tf', 'public.tf'] as const
const FOUND = 'found.tf'

/** A folder with the files of docs/terraform.md, and Terraform in it. */
export interface Configuration {
  /** Runs Terraform; gives what it said. Throws unless it succeeds. */
  terraform(...words: string[]): Promise<string>
  /** Throws what there is to do. */
  hasNothingToDo(): Promise<void>
  /** Writes other words in place of those that are in a file. */
  edit(file: string, from: string, to: string): Promise<void>
  /** Adds the file that takes in a server that was there. */
  takeIn(id: string): Promise<void>
  /** Ids of servers by their addresses in the state. */
  servers(): Promise<Record<string, string>>
}

interface Resource {
  address: string
  type: string
  values: { id: string }
}

export const configure = async (
  folder: string,
  { python, script, mirror }: Programs,
  url: string,
  login: { id: string; secret: string },
): Promise<Configuration> => {
  const page = await pageFor('terraform.md', 'https://plimsoll.example.org', url)
  const key = join(folder, 'key.pub')
  const settings = join(folder, 'terraformrc')
  await writeFiles(folder, {
    ...page.files(FILES),
    'key.pub': publicKey(),
    terraformrc: `provider_installation {\n  filesystem_mirror {\n    path = "${mirror}"\n  }\n}\n`,
  })
  const env = {
    ...python.env,
    TF_CLI_CONFIG_FILE: settings,
    TF_IN_AUTOMATION: '1',
    TF_VAR_public_key: key,
    OS_APPLICATION_CREDENTIAL_ID: login.id,
    OS_APPLICATION_CREDENTIAL_SECRET: login.secret,
  }
  const { command } = python
  const terraform: Configuration['terraform'] = (...words) =>
    finish({ command, args: [script, ...words], cwd: folder, env })
  const edit: Configuration['edit'] = async (file, from, to) => {
    const text = await readFile(join(folder, file), 'utf8')
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`)
    await writeFile(join(folder, file), text.replace(from, to))
  }
  return {
    terraform,
    edit,
    hasNothingToDo: async () => {
      await terraform('plan', '-no-color', '-detailed-exitcode')
    },
    takeIn: async (id) => {
      const { [FOUND]: found } = page.files([FOUND])
      await writeFile(join(folder, FOUND), found.replace('"…"', `"${id}"`))
    },
    servers: async () => {
      const { values } = JSON.parse(await terraform('show', '-json'))
      const found = (values.root_module.resources as Resource[]).filter(
        ({ type }) => type === 'openstack_compute_instance_v2',
      )
      return Object.fromEntries(found.map(({ address, values: { id } }) => [address.split('.')[1]!, id]))
    },
  }
}

/** One that nobody has the other half of. */
const publicKey = (): string => {
  const { publicKey: key } = generateKeyPairSync('ed25519')
  const kind = Buffer.from('ssh-ed25519')
  const parts = [kind, Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url')]
  const bytes = parts.flatMap((part) => [Buffer.from([0, 0, 0, part.length]), part])
  return `${kind} ${Buffer.concat(bytes).toString('base64')} nobody\n`
}
