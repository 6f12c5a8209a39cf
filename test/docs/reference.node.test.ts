import { existsSync, globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { services } from '../../functions/services.ts'
import { hollowRoutes } from '../support/reference.ts'
import { bodiesPage, pageName } from './bodies.ts'
import { NAMES, printedDocument } from './documents.ts'
import { eventsPage } from './events.ts'

const pages = [
  ...(await Promise.all(
    services.map(async (service) => ({ path: `docs/reference/${pageName(service)}`, page: await bodiesPage(service) })),
  )),
  ...(await Promise.all(
    NAMES.map(async (name) => ({ path: `docs/reference/${name}.openapi.json`, page: await printedDocument(name) })),
  )),
  { path: 'docs/reference/events.md', page: eventsPage() },
]

test('each service has a page and a document, and there is no other', () => {
  expect(pages.length).toBeGreaterThan(4)
  expect(globSync('docs/reference/*').sort()).toEqual(pages.map(({ path }) => path).sort())
})

test.each(pages)('$path is what the schemas say: run `npm run reference`', ({ path, page }) => {
  expect(existsSync(path) && readFileSync(path, 'utf8')).toBe(page)
})

/** How many there may be; it only ever falls. */
const MOST_HOLLOW = 27

test('ever fewer routes have nothing to show or refuse whatever they are asked', () => {
  expect(hollowRoutes(services).length).toBeLessThanOrEqual(MOST_HOLLOW)
  const few = { ...services[0]!, operations: services.flatMap(({ operations }) => operations).slice(0, 1) }
  const hollow = { ...few.operations[0]!, summary: 'There is none.' }
  expect(hollowRoutes([few, { ...few, operations: [hollow] }])).toHaveLength(1)
})
