import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from './broker.ts'

/** A page of docs/ that tells what to write into files. */
export interface Page {
  /** The block of code after the first line that begins with these words. */
  block(words: string): string
  /** The blocks after the names of these files, by name. */
  files<Name extends string>(names: readonly Name[]): Record<Name, string>
}

/** A page as it stands there, but for the folder that its files are in. */
export const pageFor = async (name: string, place: string, folder: string): Promise<Page> => {
  const page = await readFile(join(ROOT, 'docs', name), 'utf8')
  const text = place ? page.replaceAll(place, folder) : page
  const block = (words: string): string => {
    const from = text.indexOf(`\n${words}`)
    const found = from < 0 ? null : /^```\w+\n([\s\S]*?)^```$/m.exec(text.slice(from))
    if (!found) throw new Error(`docs/${name} has nothing after ${words}`)
    return found[1]!
  }
  const files = <Name extends string>(names: readonly Name[]) =>
    Object.fromEntries(names.map((file) => [file, block(`\`${file}\``)])) as Record<Name, string>
  return { block, files }
}

/** Puts files into a folder; those that are programs can be run. */
export const writeFiles = async (folder: string, files: Record<string, string>): Promise<void> => {
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text)
    if (text.startsWith('#!')) await chmod(join(folder, name), 0o755)
  }
}

/** The `clouds.yaml` of a page, with where this broker is and who asks. */
export const cloudsOf = (file: string, url: string, login: { id: string; secret: string }): string =>
  file
    .replace('https://plimsoll.example.org', url)
    .replace('credential_id: …', `credential_id: ${login.id}`)
    .replace('credential_secret: …', `credential_secret: ${login.secret}`)
