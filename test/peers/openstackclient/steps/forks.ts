import { patience } from '../../support/patiently.ts'
import { ask, gone, look, refused, type Step, tell, until } from '../story.ts'

const WITHIN_MS = 150_000

/** A fork of vm1, whichever way its cloud makes one; nothing is left of it. */
export const forks = (mode: 'instant' | 'snapshot+boot', flavor: string): Step[] => [
  // An image of it may have been made just before.
  until('server show vm1', { 'OS-EXT-STS:task_state': null }),
  ask(
    `server create --flavor ${flavor} --image {image} --network n1 --hint plimsoll:fork_of={vm1} --hint plimsoll:ttl=3600 --wait fork1`,
    {
      status: 'ACTIVE',
      properties: (p, { vm1 }) => p.fork_mode === mode && p['plimsoll:fork_of'] === vm1,
      addresses: (a) => /^10\.5\.0\./.test(a.n1[0]),
    },
    { fork1: 'id' },
  ),
  refused('server delete vm1', /has forks, which have to be deleted before it/),
  tell('server delete --wait fork1'),
  gone('server show {fork1}'),
  look('the image that it was booted from goes by itself', async ({ demo, broker }) => {
    for (const isOver = patience(WITHIN_MS); ; await new Promise((resolve) => setTimeout(resolve, 1000))) {
      await broker.cron()
      const { images } = await demo.must('GET', '/image/v2/images?os_hidden=true')
      if (!images.length) return
      if (isOver()) throw new Error(`${images.length} images are left`)
    }
  }),
]
