import { afterAll, afterEach, beforeEach, expect } from 'vitest'
import { unfit } from '../openapi/judge.ts'
import { keepSeen } from '../openapi/seen.ts'
import { refused } from '../plans/watch.ts'
import { beginTest, endDatabases, endTest } from './databases/lent.ts'

// What fails in a loop is logged and tried again: the story is told all the same.
afterEach(() => {
  expect(refused.splice(0)).toEqual([])
})

/** Else the document of the service would lie: see `npm run answers`. Held where answers are to be judged. */
afterEach(() => {
  const untold = [...new Set(unfit.splice(0))]
  if (process.env.PLIMSOLL_ANSWERS === 'held') expect(untold).toEqual([])
})
afterAll(keepSeen)

beforeEach(beginTest)
afterEach(endTest)
afterAll(endDatabases)
