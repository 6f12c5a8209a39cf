import { storeOf, useStore } from '../store.ts'

interface Notice {
  id: number
  text: string
}
const notices = storeOf<Notice[]>([])
let counted = 0

/** How long a notice stays, in milliseconds. */
const STAYS = 6_000

/** Says what was done, for eyes and for screen readers. What failed is said where it was asked for (`FaultNote`). */
export const notify = (text: string): void => {
  const notice = { id: ++counted, text }
  notices.set([...notices.get(), notice].slice(-4))
  setTimeout(() => notices.set(notices.get().filter((each) => each !== notice)), STAYS)
}

/** Where notices appear: once, in the frame. */
export const Notices = () => (
  <div class="notices" role="status" aria-live="polite">
    {useStore(notices).map(({ id, text }) => (
      <p key={id} class="note">
        {text}
      </p>
    ))}
  </div>
)
