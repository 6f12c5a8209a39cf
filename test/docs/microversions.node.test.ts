import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Microversions } from '../../functions/http/service.ts'
import { services } from '../../functions/services.ts'
import { windowsOf } from './windows.ts'

const page = readFileSync('docs/microversions.md', 'utf8')
const rowsOf = ({ major }: Microversions): { minor: number; brings: string; here: string }[] =>
  [...page.matchAll(new RegExp(`^\\| ${major}\\.(\\d+) \\| (.+) \\| (.+) \\|$`, 'gm'))].map(
    ([, minor, brings, here]) => ({
      minor: Number(minor),
      brings: brings!,
      here: here!,
    }),
  )

const FOLDERS: Record<string, string> = {
  compute: 'functions/compute',
  volume: 'functions/block-storage',
  placement: 'functions/placement',
}
const versioned = services
  .flatMap(({ microversions }) => microversions ?? [])
  .map((range) => [range.name, range] as const)

describe.each(versioned)('docs/microversions.md of %s', (name, range) => {
  const rows = rowsOf(range)
  const { min, max } = range

  test('has a line for each version that is spoken, in order', () => {
    const first = min + 1
    expect(rows.map(({ minor }) => minor)).toEqual(Array.from({ length: max - min }, (_, at) => first + at))
  })

  test('says `yes` where the code makes a difference, and nowhere else', () => {
    const windows = windowsOf(FOLDERS[name]!).filter((minor) => minor > min && minor <= max)
    expect(windows.length).toBeGreaterThan(20)
    expect(rows.filter(({ here }) => here === 'yes').map(({ minor }) => minor)).toEqual(windows)
  })
})

test('the range in the text is the range of the code', () => {
  for (const [name, { major, max }] of versioned)
    expect(page).toContain(`\`${name === 'compute' ? 'OpenStack-API-Version: ' : ''}${name} ${major}.${max}\``)
})
