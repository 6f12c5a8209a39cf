import { execFileSync } from 'node:child_process'
import { scryptSync } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { hashesAtOnce, hashingProcess } from '../../functions/runtime/hashing.ts'

const COST = { N: 16, r: 1, p: 1 }
const salt = Buffer.from('salt')
const logged: string[] = []
const log = (_level: string, message: string) => {
  logged.push(message)
}
afterEach(() => {
  logged.length = 0
})

/** Processes that this one began and that hash. */
const hashing = (): number[] =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s(.*scrypt.*)/.exec(line))
    .flatMap((found) => (found && Number(found[2]) === process.pid ? [Number(found[1])] : []))
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10))
}

test('a process of their own hashes passwords as scrypt does, and is gone when nothing is left to hash', async () => {
  const scrypt = hashingProcess(log, 300)
  const keys = await Promise.all(['one', 'other', 'pass\0wörd'].map((password) => scrypt(password, salt, 32, COST)))
  expect(keys.map((key) => Buffer.from(key))).toEqual(
    ['one', 'other', 'pass\0wörd'].map((password) => scryptSync(password, salt, 32, COST)),
  )
  expect(hashing()).toHaveLength(1)
  await until(() => hashing().length === 0)
  expect(Buffer.from(await scrypt('one', salt, 32, COST))).toEqual(scryptSync('one', salt, 32, COST))
  expect(logged).toEqual([])
  await until(() => hashing().length === 0)
})

test('a hash whose process is killed is made here, and the next one by another process', async () => {
  const scrypt = hashingProcess(log, 300)
  await scrypt('first', salt, 32, COST)
  const [pid] = hashing()
  const slow = scrypt('slow', salt, 32, { N: 2 ** 14, r: 8, p: 5 })
  process.kill(pid!, 'SIGKILL')
  expect(Buffer.from(await slow)).toEqual(scryptSync('slow', salt, 32, { N: 2 ** 14, r: 8, p: 5, maxmem: 2 ** 26 }))
  expect(logged).toHaveLength(1)
  await scrypt('next', salt, 32, COST)
  expect(logged).toHaveLength(1)
  expect(hashing()).not.toContain(pid)
  await until(() => hashing().length === 0)
})

test('what cannot be hashed is an error, not a hash', async () => {
  const scrypt = hashingProcess(log, 300)
  await expect(scrypt('one', salt, 32, { N: 3, r: 1, p: 1 })).rejects.toThrow()
  await until(() => hashing().length === 0)
})

test.runIf(existsSync('/proc/self/environ'))(
  'the process that hashes knows nothing of our environment, and gives way',
  async () => {
    process.env.PLIMSOLL_SECRET_KEY = 'a secret'
    try {
      const scrypt = hashingProcess(log, 300)
      await scrypt('one', salt, 32, COST)
      const [pid] = hashing()
      expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('secret')
      const nice = execFileSync('ps', ['-o', 'ni=', '-p', String(pid)], { encoding: 'utf8' })
      expect(Number(nice)).toBeGreaterThan(
        Number(execFileSync('ps', ['-o', 'ni=', '-p', String(process.pid)], { encoding: 'utf8' })),
      )
      await until(() => hashing().length === 0)
    } finally {
      delete process.env.PLIMSOLL_SECRET_KEY
    }
  },
)

test('leaves a processor to whoever reads, where there is more than one', () => {
  expect([1, 2, 3, 64].map(hashesAtOnce)).toEqual([1, 1, 2, 2])
})
