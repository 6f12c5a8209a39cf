import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Pages } from '../../functions/pages/answer.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { builtPages } from './built.ts'

const HTML = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

let pages: Pages
beforeAll(async () => {
  pages = await builtPages()
})
let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll({ pages })
})

const page = async (): Promise<string> => {
  const { body } = await plimsoll.nobody.get('/', HTML)
  return body
}
/** What the page names: scripts and style sheets. */
const named = async (): Promise<string[]> =>
  [...(await page()).matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, name]) => `/${name}`)

describe('/', () => {
  test('is the console for browsers', async () => {
    const { status, headers } = await plimsoll.nobody.get('/', HTML)
    expect(status).toBe(200)
    expect(headers.get('Content-Type')).toBe('text/html; charset=utf-8')
    expect(headers.get('Cache-Control')).toBe('no-cache')
    expect(headers.get('Vary')).toBe('Accept, Accept-Encoding')
    expect(await page()).toMatch(/^<!doctype html>/)
  })

  test.each<Record<string, string>>([{}, { Accept: '*/*' }, { Accept: 'application/json' }])(
    'is JSON for programs: %j',
    async (headers) => {
      const { status, body } = await plimsoll.nobody.get('/', headers)
      expect([status, body.error.message]).toEqual([404, 'There is no service at /.'])
    },
  )

  test('is looked at, not written to', async () => {
    expect((await plimsoll.nobody.head('/', HTML)).status).toBe(200)
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'])
      expect((await plimsoll.nobody.send(method, '/', undefined, HTML)).status).toBe(404)
  })

  test('says so where it was not built', async () => {
    plimsoll = await startPlimsoll()
    const { status, body } = await plimsoll.nobody.get('/', HTML)
    expect(status).toBe(501)
    expect(body.error.message).toContain('npm install')
  })
})

describe('a page', () => {
  const paths = async () => ['/', ...(await named()), '/assets/nothing-ABCDEFGH.js']

  test('counts for the limit of its source, as any request does', async () => {
    const files = await paths()
    plimsoll = await startPlimsoll({ pages, settings: { requestsPerSource: files.length } })
    const somebody = plimsoll.nobody.from('192.0.2.7')
    for (const path of files) expect((await somebody.get(path, HTML)).status, path).not.toBe(429)
    for (const path of files)
      for (const { status, headers } of [await somebody.get(path, HTML), await somebody.head(path, HTML)])
        expect([path, status, Number(headers.get('Retry-After')) > 0]).toEqual([path, 429, true])
    expect((await plimsoll.nobody.from('192.0.2.8').get('/', HTML)).status).toBe(200)
  })

  test('is for hosts that are served', async () => {
    const files = await paths()
    plimsoll = await startPlimsoll({ pages, settings: { allowedHosts: ['cloud.example.org'] } })
    for (const path of files) {
      const { status, headers, body } = await plimsoll.nobody.get(`http://evil.example.org${path}`, HTML)
      expect([path, status, headers.get('Content-Security-Policy')]).toEqual([path, 400, POLICY])
      expect(body.error.message).toContain('PLIMSOLL_ALLOWED_HOSTS')
    }
    expect((await plimsoll.nobody.get('http://cloud.example.org/', HTML)).status).toBe(200)
  })

  test('has an id by which the log has its request', async () => {
    for (const path of await paths())
      expect((await plimsoll.nobody.get(path, HTML)).headers.get('X-Openstack-Request-Id'), path).toMatch(/^req-/)
  })
})

test('the page that shows screens is admitted as any other', async () => {
  const settings = { requestsPerSource: 1, allowedHosts: ['plimsoll.test'] }
  plimsoll = await startPlimsoll({ pages, settings })
  expect((await plimsoll.nobody.get('http://evil.example.org/console/view.html')).status).toBe(400)
  const statuses = []
  for (let i = 0; i < 2; i++) {
    const { status, headers } = await plimsoll.nobody.from('192.0.2.9').get('/console/view.html')
    expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'")
    statuses.push(status)
  }
  expect(statuses).toEqual([501, 429])
})

describe('everything of the console', () => {
  test('is under a policy that lets it run, draw and ask what is served beside it', async () => {
    for (const path of ['/', ...(await named()), '/assets/nothing-ABCDEFGH.js'])
      for (const { headers } of [await plimsoll.nobody.get(path, HTML), await plimsoll.nobody.head(path, HTML)]) {
        expect(headers.get('Content-Security-Policy'), path).toBe(POLICY)
        expect(headers.get('X-Content-Type-Options'), path).toBe('nosniff')
        expect(headers.get('Referrer-Policy'), path).toBe('no-referrer')
        expect(headers.get('Cross-Origin-Opener-Policy'), path).toBe('same-origin')
      }
  })

  test('is in files of its own: no script or style stands in the page', async () => {
    const html = await page()
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/i)
    for (const [script] of html.matchAll(/<script.*?<\/script>/gs))
      expect(script).toMatch(/^<script type="module" src="assets\/main-[A-Z0-9]+\.js"><\/script>$/)
    expect(html).toMatch(/<link rel="stylesheet" href="assets\/main-[A-Z0-9]+\.css">/)
    expect(html.match(/https?:\/\/(?!www\.w3\.org\/2000\/svg)[^"' ]+/)).toBeNull()
  })

  test('is kept by browsers under names that follow from the content', async () => {
    const files = await named()
    expect(files.length).toBeGreaterThan(1)
    for (const file of files) {
      expect(file).toMatch(/^\/assets\/\w+-[A-Z0-9]{8}\.(js|css)$/)
      const { status, headers } = await plimsoll.nobody.get(file)
      expect([file, status]).toEqual([file, 200])
      expect(headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable')
      expect(headers.get('Content-Type')).toMatch(/^text\/(javascript|css); charset=utf-8$/)
    }
  })
})

describe('what is no file of the console', () => {
  // biome-ignore format: a line each
  const strange = [
    '/assets/', '/assets/index.html', '/assets/nothing-ABCDEFGH.js', '/assets/../package.json', '/assets/..%2Fpackage.json', '/assets/%2e%2e/wrangler.toml',
    '/assets/..%5c..%5cpackage.json', '/assets/main.tsx', '/assets//etc/passwd', '/assets/%00.js', '/assets/constructor', '/assets/__proto__.js', '/assets/a/b.js',
    '/index.html', '/main.tsx', '/console', '/functions/console/main.tsx', '/.cache/console/index.html',
  ]
  test.each(strange)('is not found: %s', async (path) => {
    const { status, body } = await plimsoll.nobody.get(path, HTML)
    expect(status).toBe(404)
    expect(body.error.code).toBe(404)
  })

  test('below the services is theirs, whoever asks', async () => {
    for (const path of ['/compute/v2.1/nothing', '/identity/v3/nothing', '/broker/v1/nothing', '/network/assets/x.js'])
      expect((await plimsoll.nobody.get(path, HTML)).headers.get('Content-Type'), path).toMatch(/json/)
    expect((await plimsoll.nobody.get('/identity/v3', HTML)).body.version.id).toMatch(/^v3/)
  })

  test('is not written', async () => {
    const [file = ''] = await named()
    expect((await plimsoll.nobody.put(file, { a: 1 })).status).toBe(405)
  })
})
