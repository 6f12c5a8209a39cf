import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { door, has } from '../session/session.ts'
import { useStore } from '../store.ts'

/** One window of a page at a time: `open((close) => <Confirm … onClose={close} />)`, and `shown` where it is to be drawn. */
export const useWindow = (): { shown: ComponentChildren; open: (draw: Draw) => void } => {
  const [shown, setShown] = useState<ComponentChildren>(null)
  return { shown, open: (draw) => setShown(draw(() => setShown(null))) }
}

/** What a window that changes something is given. */
export interface WindowProps {
  onClose: () => void
  onDone: () => void
}
type Draw = (close: () => void) => ComponentChildren

/** What can be done with one row of a table: short for eyes, whole for ears. */
export const RowButton = ({
  verb,
  name,
  onClick,
  disabled = false,
  anybody = false,
}: {
  verb: string
  name: string
  onClick: () => void
  disabled?: boolean
  /** It is about what is the user's own, whatever his role. */
  anybody?: boolean
}) => {
  const button = (
    <button type="button" class="plain small" aria-label={`${verb} ${name}`} disabled={disabled} onClick={onClick}>
      {verb}
    </button>
  )
  return anybody ? button : <ForMembers>{button}</ForMembers>
}

/** What changes something of the project: whoever may only read is not shown it. The services decide by themselves. */
export const ForMembers = ({ children }: { children: ComponentChildren }) =>
  has(useStore(door).session, 'member') ? children : null
