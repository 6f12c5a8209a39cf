import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPages } from './build-pages.js'
import { BUILDS, findBuild, keyOf, PAGES, sourcesOf, stampOf } from './built.js'

/**
 * Builds the program for Node out of the sources as they are, unless that was done: `npm install` does, and `npm start`
 * where the sources changed since. Where it cannot be done it says why in one line, and ends with 1 if run by itself.
 */

/** Builds that stay: a process that runs may yet load a part of its own. */
const KEPT = 3
const REQUIRE = `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`

/** @param {string} root folder of the project */
const build = async (root) => {
  const builds = join(root, BUILDS)
  const key = keyOf(root)
  const folder = `${key}-${randomBytes(4).toString('hex')}`
  mkdirSync(builds, { recursive: true })
  const esbuild = await import('esbuild')
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['functions/runtime/node.ts'],
    outdir: join(builds, folder),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What is imported when it is needed stays a file of its own: an adapter with its SDK, undici.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Packages as ES modules, of which only what is used comes along.
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE },
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    metafile: true,
    // Of ssh2, which does without them.
    external: ['*.node', 'cpu-features'],
    logLevel: 'silent',
  })
  const pages = await buildPages(root, join(builds, folder, PAGES), { packed: true })
  const own = new Set(sourcesOf(root))
  const others = [...Object.keys(metafile.inputs), ...pages].filter((path) => !own.has(path))
  const told = { folder, others: Object.fromEntries(others.map((path) => [path, stampOf(join(root, path))])) }
  if (keyOf(root) !== key) throw new Error('the sources changed meanwhile')
  // Told under its name only when it is whole.
  const file = join(builds, `${folder}.json`)
  writeFileSync(file, JSON.stringify(told))
  renameSync(file, join(builds, `${key}.json`))
}

/** @param {string} root folder of the project */
const removeFormer = (root) => {
  const builds = join(root, BUILDS)
  const byAge = readdirSync(builds)
    .filter((name) => name.includes('-'))
    .map((name) => ({ name, at: statSync(join(builds, name)).mtimeMs }))
    .sort((one, other) => other.at - one.at)
  const former = byAge.slice(KEPT).map(({ name }) => name)
  for (const name of former) rmSync(join(builds, name), { recursive: true, force: true })
}

const root = fileURLToPath(new URL('../../', import.meta.url))
try {
  if (!findBuild(root)) {
    await build(root)
    removeFormer(root)
  }
} catch (error) {
  console.error(/** @type {Error} */ (error).message.split('\n').slice(0, 2).join(' '))
  // An install is not in vain for it: the program starts from its sources as well.
  if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = 1
}
