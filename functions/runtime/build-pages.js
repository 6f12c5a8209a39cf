import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'

/**
 * Builds the pages of the console (`functions/console/`) into files whose names tell their content: scripts, a style sheet,
 * and the page that names them. By itself it builds them for a Worker, whose assets they are.
 */

/** Where a Worker's are: `[assets]` of wrangler.toml. */
export const FOR_WORKER = '.cache/console'

/** With what the pages begin. */
const BEGIN = 'functions/console/main.tsx'

/** What is worth compressing is compressed once, not for every browser; Cloudflare does that by itself. */
const packings = { br: brotliCompressSync, gz: gzipSync }

/**
 * @param {string} root folder of the project
 * @param {string} folder where the files are to be; what else is in it goes
 * @param {{ packed?: boolean }} [options] whether compressed ones stand beside them
 * @returns {Promise<string[]>} what they were made from, by paths within the project
 */
export const buildPages = async (root, folder, { packed = false } = {}) => {
  const esbuild = await import('esbuild')
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [BEGIN],
    outdir: 'assets',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    // A page comes when somebody goes there.
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'silent',
  })
  // What is fetched later is an entry, too.
  const begin = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === BEGIN)
  if (!begin) throw new Error('the console has no beginning')
  // What the first script asks for is asked for beside it.
  const along = begin[1].imports.filter(({ kind }) => kind === 'import-statement')
  const preloads = along.map(({ path }) => `<link rel="modulepreload" href="${path}">\n`).join('')
  const page = readFileSync(join(root, 'functions/console/index.html'), 'utf8')
    .replace('</head>', `${preloads}</head>`)
    .replace('main.tsx', begin[0])
    .replace('style.css', begin[1].cssBundle ?? '')
  /** @type {Map<string, Uint8Array>} */
  const files = new Map([['index.html', new TextEncoder().encode(page)]])
  for (const { path, contents } of outputFiles)
    files.set(path.slice(path.replaceAll('\\', '/').lastIndexOf('/') + 1), contents)
  if (packed)
    for (const [name, bytes] of [...files])
      for (const [ending, pack] of Object.entries(packings)) files.set(`${name}.${ending}`, pack(bytes))
  mkdirSync(folder, { recursive: true })
  // Others may be building the same, or serving what is there: nothing that stays is away for a moment.
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes)
  for (const name of readdirSync(folder)) if (!files.has(name)) rmSync(join(folder, name), { force: true })
  return Object.keys(metafile.inputs)
}

const root = fileURLToPath(new URL('../../', import.meta.url))
if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPages(root, join(root, FOR_WORKER))
