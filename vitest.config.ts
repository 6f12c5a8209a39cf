import { fileURLToPath } from 'node:url'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/**
 * Files share one isolate, as requests do in production: four times as fast as one each. Spies and stubs are undone after
 * each test. Nothing is timed here: the limits only end what hangs, on a busy machine as well.
 */
const shared = {
  include: ['test/**/*.test.ts'],
  isolate: false,
  restoreMocks: true,
  unstubGlobals: true,
  testTimeout: 60_000,
  hookTimeout: 60_000,
}
const exclude = ['**/node_modules/**', 'test/peers/**', 'test/bench/**']

/** The whole suite runs in both runtimes; only what ends in `.node.test.ts` is for Node alone. */
export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: 'node', exclude } },
      {
        plugins: [
          cloudflareTest({
            main: './test/support/worker.ts',
            remoteBindings: false,
            wrangler: { configPath: './wrangler.toml' },
          }),
        ],
        // As in wrangler.toml.
        resolve: { alias: { '@aws-sdk/xml-builder': file('./node_modules/@aws-sdk/xml-builder/dist-cjs/index.js') } },
        test: {
          ...shared,
          name: 'workerd',
          exclude: [...exclude, 'test/**/*.node.test.ts'],
          maxWorkers: 1,
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
