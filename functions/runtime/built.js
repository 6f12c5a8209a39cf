import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

// JavaScript, as is all that runs before the built program: the first file of TypeScript costs a process 20 MB.

/** Where builds are kept, each with a file `KEY.json` that says for which sources it is. */
export const BUILDS = '.cache/node'

/** What of a build are the pages of the console. */
export const PAGES = 'pages'

const SOURCES = ['functions', 'adapters', 'db']
/** What decides over the meaning of the sources: settings of the compiler, and which packages are installed. */
const SETTINGS = ['package.json', 'package-lock.json', 'node_modules/.package-lock.json', 'tsconfig.json']

/**
 * A build as its file tells it.
 * @typedef {object} Build
 * @property {string} folder below `BUILDS`
 * @property {Record<string, string>} others what it was made from besides the sources: files of packages, with their stamps
 */

/**
 * One word for the content of every source file: another content, another word.
 * @param {string} root folder of the project
 */
export const keyOf = (root) => {
  const hash = createHash('sha256')
  for (const path of sourcesOf(root))
    hash
      .update(path)
      .update('\0')
      .update(readFileSync(join(root, path)))
      .update('\0')
  for (const path of SETTINGS) hash.update(textOf(join(root, path))).update('\0')
  return hash.digest('hex').slice(0, 32)
}

/**
 * Paths of the sources within the project, in one order everywhere.
 * @param {string} root folder of the project
 */
export const sourcesOf = (root) =>
  SOURCES.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.([jt]sx?|css|html)$/.test(name))
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
  ).sort()

/**
 * Size and time of the last change, by which a file of a package is known; empty: there is none.
 * @param {string} path
 */
export const stampOf = (path) => {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat ? `${stat.size} ${stat.mtimeMs}` : ''
}

/**
 * The folder of the build that was made from exactly what lies there now; null: there is none.
 * @param {string} root folder of the project
 */
export const findBuild = (root) => {
  const told = textOf(join(root, BUILDS, `${keyOf(root)}.json`))
  if (!told) return null
  const { folder, others } = /** @type {Build} */ (JSON.parse(told))
  const fresh = Object.entries(others).every(([path, stamp]) => stampOf(join(root, path)) === stamp)
  const path = join(root, BUILDS, folder)
  return fresh && stampOf(join(path, 'node.mjs')) ? path : null
}

/** @param {string} path */
const textOf = (path) => (stampOf(path) ? readFileSync(path, 'utf8') : '')
