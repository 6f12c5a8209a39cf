import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { asFault, Fault } from '../api/fault.ts'
import { door, has } from '../session/session.ts'
import { useStore } from '../store.ts'
import { Dialog } from './dialog.tsx'
import { FaultNote } from './fault.tsx'

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

/**
 * A form that says all of something in place of what was said of it: it begins with what is said by now, not with what the page
 * was told when it was drawn.
 * @param look asks what is said
 * @param children the form; it awaits `unmoved` before it writes, which throws a Fault where somebody said something else since
 */
export const Fresh = <T,>({
  title,
  look,
  onClose,
  children,
}: {
  title: string
  look: () => Promise<T>
  onClose: () => void
  children: (said: T, unmoved: () => Promise<void>) => ComponentChildren
}) => {
  const [told, setTold] = useState<{ said: T } | { fault: Fault } | null>(null)
  useEffect(() => {
    let isLeft = false
    const tell = (next: { said: T } | { fault: Fault }) => isLeft || setTold(next)
    look().then(
      (said) => tell({ said }),
      (error) => tell({ fault: asFault(error) }),
    )
    return () => {
      isLeft = true
    }
  }, [])
  if (told && 'said' in told) {
    const { said } = told
    return children(said, async () => {
      if (JSON.stringify(await look()) !== JSON.stringify(said))
        throw new Fault(0, 'Somebody else said something of it meanwhile: close this window and open it again.')
    })
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="stack">
        {told ? <FaultNote fault={told.fault} /> : <p class="quiet waiting">Asking…</p>}
        <div class="row end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </div>
    </Dialog>
  )
}

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
