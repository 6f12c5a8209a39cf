import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CannotStart, holdFolder, openFolder } from '../../functions/runtime/folder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plimsoll-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const held = () => {
  try {
    holdFolder(folder)()
    return null
  } catch (error) {
    expect(error).toBeInstanceOf(CannotStart)
    return (error as Error).message
  }
}

test('a data folder is one process at a time, and free when that is killed', async () => {
  openFolder(folder)
  const script = `
    import { holdFolder } from ${JSON.stringify(new URL('../../functions/runtime/folder.ts', import.meta.url).href)}
    holdFolder(${JSON.stringify(folder)})
    console.log('held')
    setInterval(() => {}, 1000)`
  const other = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script])
  await once(other.stdout, 'data')
  expect(held()).toBe(
    `another Plimsoll works with the data folder ${folder}; end it, or name another folder with PLIMSOLL_DATA`,
  )
  other.kill('SIGKILL')
  await once(other, 'exit')
  expect(held()).toBe(null)
  expect(held()).toBe(null)
}, 20_000)
