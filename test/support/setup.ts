import { afterAll, afterEach, expect } from 'vitest'
import { refused } from '../plans/watch.ts'
import { closeDatabases } from './runtime.ts'

// What fails in a loop is logged and tried again: the story is told all the same.
afterEach(() => {
  expect(refused.splice(0)).toEqual([])
})

afterAll(closeDatabases)
