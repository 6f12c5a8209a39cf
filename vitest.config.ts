import { existsSync, statfsSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { buildPages, FOR_WORKER } from './functions/runtime/build-pages.js'
import { LongFirst } from './test/support/long-first.ts'

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** workerd waits for a disk at each commit of D1: where memory is a folder (Linux), and has room, its files are there. */
const MEMORY = '/dev/shm'
const disk = tmpdir()
const room = existsSync(MEMORY) ? statfsSync(MEMORY) : { bavail: 0, bsize: 0 }
if (room.bavail * room.bsize > 2 ** 29) process.env.TMPDIR = MEMORY

/** Where stories have their databases in workerd: `test/support/databases/near.ts`. */
const TABLES = {
  name: 'tables',
  modules: true,
  scriptPath: file('./test/support/databases/object.js'),
  compatibilityDate: '2026-09-18',
  durableObjects: { TABLES: { className: 'Tables', useSQLite: true } },
}

/**
 * Files of one worker share one isolate, as requests do in production: four times as fast as one each. Workers share
 * nothing; each has databases of its own, in workerd too. What they print goes straight out: a line that were sent to
 * the runner while its worker ends would fail the run. Spies and stubs are undone after each test. Nothing is timed
 * here: the limits only end what hangs, on a busy machine as well.
 */
const shared = {
  include: ['test/**/*.test.ts'],
  isolate: false,
  disableConsoleIntercept: true,
  maxWorkers: Math.min(4, availableParallelism()),
  restoreMocks: true,
  unstubGlobals: true,
  testTimeout: 60_000,
  hookTimeout: 60_000,
}
const exclude = ['**/node_modules/**', 'test/peers/**', 'test/bench/**']

// What wrangler.toml has a Worker built with is built here, for both runtimes.
await buildPages(file('.'), file(FOR_WORKER))

/** The whole suite runs in both runtimes; only what ends in `.node.test.ts` is for Node alone. */
export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    projects: [
      {
        test: {
          ...{ ...shared, name: 'node', exclude, env: { TMPDIR: disk }, setupFiles: './test/support/setup.ts' },
          // Worlds come and go by the thousand: with room for the young ones their collection takes half the time.
          execArgv: ['--max-semi-space-size=64'],
        },
      },
      {
        plugins: [
          cloudflareTest({
            main: './test/support/worker.ts',
            remoteBindings: false,
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: { PLIMSOLL_D1: process.env.PLIMSOLL_D1 ?? '' },
              durableObjects: { TABLES: { className: 'Tables', scriptName: 'tables', useSQLite: true } },
              workers: [TABLES],
            },
          }),
        ],
        // As in wrangler.toml.
        resolve: { alias: { '@aws-sdk/xml-builder': file('./node_modules/@aws-sdk/xml-builder/dist-cjs/index.js') } },
        test: {
          ...shared,
          name: 'workerd',
          exclude: [...exclude, 'test/**/*.node.test.ts'],
          // Bundled once and kept: seconds less at every start.
          deps: {
            optimizer: {
              ssr: {
                enabled: true,
                include: [
                  '@aws-sdk/client-ec2',
                  'drizzle-orm',
                  'drizzle-orm/d1',
                  'drizzle-orm/sqlite-core',
                  'hono',
                  'zod',
                ],
              },
            },
          },
        },
      },
    ],
  },
})
