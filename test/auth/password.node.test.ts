import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { PasswordHashes, scryptHere } from '../../functions/auth/password.ts'

test('a crowd of logins keeps neither files nor another user waiting', async () => {
  const hashes = new PasswordHashes(scryptHere)
  const ended: string[] = []
  const hashed = (name: string, source: string) =>
    hashes.inTurn({ source, user: name }, ({ verify }) => verify('guess', null)).then(() => ended.push(name))
  const crowd = Array.from({ length: 8 }, () => hashed('admin', '192.0.2.66'))
  const ann = hashed('ann', '192.0.2.1')
  // Four threads read files and resolve names: were all of them hashing, nothing could be read before the first ends.
  for (let i = 0; i < 20; i++) await readFile(new URL(import.meta.url))
  ended.push('files')
  await Promise.all([...crowd, ann])
  expect(ended.indexOf('files')).toBeLessThan(5)
  expect(ended.indexOf('ann')).toBeLessThan(5)
  expect(ended).toHaveLength(10)
}, 60_000)
