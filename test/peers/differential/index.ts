import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { STORIES, storyOf, writeRecording } from '../../differential/recording.ts'
import { play } from '../../differential/side.ts'
import { ROOT } from '../support/broker.ts'
import type { Report } from '../support/report.ts'
import { RELEASES, startServices } from './services.ts'
import { theirs } from './theirs.ts'

/** Where the ground is laid, once; to lay it anew, take the folder away. */
const FOLDER = join(ROOT, '.cache/peers/differential')
const PORTS = 21_400

/**
 * Records what the services themselves answer to the stories of `test/differential/stories/`; the test there compares the
 * broker with it.
 *
 * @param part stories, with commas; absent: all
 */
export const differential = async (report: Report, part?: string): Promise<void> => {
  await mkdir(FOLDER, { recursive: true })
  const services = await startServices(FOLDER, PORTS)
  try {
    const side = await theirs(services.urls)
    for (const name of STORIES.filter((each) => !part || part.split(',').includes(each))) {
      const from = Date.now()
      const told = await play(side, storyOf(name))
      const never = [...told].filter(([, answer]) => answer.never).map(([line]) => line)
      // What does not come from the services themselves says nothing of the broker.
      report.step('differential', name, never.length ? 'failed' : 'passed', Date.now() - from, never.join('\n'))
      if (!never.length) writeRecording(name, RELEASES[name], told)
    }
  } finally {
    await services.stop()
  }
}
