import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { AWAY, type Ground, HOME } from '../span/ground.ts'

/** How often the clouds' own books are looked at, in milliseconds. */
const LOOK = 200

export type Watch = ReturnType<typeof watchBoth>

/** Looks at both inventories over and over: the most of ours that home ever had, and that both together had since `begin`. */
export const watchBoth = (ground: Ground) => {
  const most = { home: 0, both: 0 }
  let over = false
  const watching = (async () => {
    while (!over) {
      const { [HOME]: home, [AWAY]: away } = await ground.census()
      most.home = Math.max(most.home, home)
      most.both = Math.max(most.both, home + away)
      await pause(LOOK)
    }
  })()
  return {
    most,
    begin() {
      most.both = 0
    },
    /** Throws if home was ever seen above its mark. */
    refuseAbove(mark: number) {
      assert.ok(most.home <= mark, `home had ${most.home} servers at one look, and its mark is ${mark}`)
    },
    async stop() {
      over = true
      await watching
    },
  }
}
