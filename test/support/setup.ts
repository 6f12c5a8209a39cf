import { afterAll, afterEach, beforeEach, expect } from 'vitest'
import { unfit } from '../openapi/judge.ts'
import { keepSeen } from '../openapi/seen.ts'
import { refused } from '../plans/watch.ts'
import { beginTest, endDatabases, endTest } from './databases/lent.ts'

// What fails in a loop is logged and tried again: the story is told all the same.
afterEach(() => {
  expect(refused.splice(0)).toEqual([])
})

/** Else the document of the service would lie: see `npm run answers`. */
afterEach(() => {
  expect([...new Set(unfit.splice(0))]).toEqual([])
})
afterAll(keepSeen)

beforeEach(beginTest)
afterEach(endTest)
afterAll(endDatabases)
