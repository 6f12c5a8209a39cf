import { beforeAll, describe, expect, it } from 'vitest'
import { type Difference, differencesOf } from './compare.ts'
import { differencesPage, type Sorted, sorted, writePending } from './known.ts'
import { ours } from './ours.ts'
import { readRecording, STORIES, type StoryName, storyOf } from './recording.ts'
import { play } from './side.ts'

describe('what the broker answers, and what the services did', () => {
  const stories: { name: StoryName; of: string; lines: number; found: Difference[] }[] = []
  let all: Sorted

  beforeAll(async () => {
    for (const name of STORIES) {
      const { of, told } = readRecording(name)
      const mine = await play(await ours(), storyOf(name))
      stories.push({ name, of, lines: mine.size, found: differencesOf(told, mine) })
    }
    all = sorted(stories.flatMap(({ name, found }) => found.map((difference) => ({ story: name, difference }))))
    if (process.env.DIFFERENTIAL_PENDING === 'write') writePending(all.unknown)
  })

  it('differs nowhere without a reason', () => {
    expect(all.unknown.map(({ difference }) => difference)).toEqual([])
  })

  it('has no reason for which nothing differs any more', () => {
    expect(all.idle).toEqual([])
  })

  it('has mended nothing that is said not to be', () => {
    expect(all.mended).toEqual([])
  })

  it('is what docs/differences.md says', async () => {
    await expect(differencesPage(stories, all)).toMatchFileSnapshot('../../docs/differences.md')
  })
})
