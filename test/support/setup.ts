import { afterAll, afterEach, beforeEach, expect } from 'vitest'
import { refused } from '../plans/watch.ts'
import { beginTest, endDatabases, endTest } from './databases/lent.ts'

// What fails in a loop is logged and tried again: the story is told all the same.
afterEach(() => {
  expect(refused.splice(0)).toEqual([])
})

beforeEach(beginTest)
afterEach(endTest)
afterAll(endDatabases)
