import { existsSync, globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { services } from '../../functions/services.ts'
import { hollowRoutes } from '../support/reference.ts'
import { bodiesPage, pageName } from './bodies.ts'
import { eventsPage } from './events.ts'

const pages = [
  ...services.flatMap((service) => {
    const page = bodiesPage(service)
    return page ? [{ path: `docs/reference/${pageName(service)}`, page }] : []
  }),
  { path: 'docs/reference/events.md', page: eventsPage() },
]

test('each service that takes something has a page, and no other', () => {
  expect(pages.length).toBeGreaterThan(4)
  expect(globSync('docs/reference/*').sort()).toEqual(pages.map(({ path }) => path).sort())
})

test.each(pages)('$path is what the schemas say: run `npm run reference`', ({ path, page }) => {
  expect(existsSync(path) && readFileSync(path, 'utf8')).toBe(page)
})

/** How many there may be; it only ever falls. */
const MOST_HOLLOW = 36

test('ever fewer routes have nothing to show or refuse whatever they are asked', () => {
  expect(hollowRoutes(services).length).toBeLessThanOrEqual(MOST_HOLLOW)
  const few = { ...services[0]!, operations: services.flatMap(({ operations }) => operations).slice(0, 1) }
  const hollow = { ...few.operations[0]!, summary: 'There is none.' }
  expect(hollowRoutes([few, { ...few, operations: [hollow] }])).toHaveLength(1)
})
