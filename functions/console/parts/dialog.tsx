import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { asFault } from '../api/fault.ts'
import { useDoing } from '../api/use-answer.ts'
import { Command } from './command.tsx'
import { FaultNote } from './fault.tsx'

/**
 * A window above the page, which holds the focus as long as it is open and gives it back. Escape closes it, unless it has to be
 * answered (`onClose` absent), or is at work.
 */
export const Dialog = ({
  title,
  onClose,
  busy = false,
  children,
}: {
  title: string
  onClose?: (() => void) | undefined
  busy?: boolean
  children: ComponentChildren
}) => {
  const id = useId()
  const window = useRef<HTMLDialogElement>(null)
  const close = busy ? undefined : onClose
  useEffect(() => {
    // By then it is not known any more.
    const shown = window.current
    const before = document.activeElement
    shown?.showModal()
    return () => {
      shown?.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={window}
      aria-labelledby={id}
      onCancel={(event) => {
        // The window of a file field that is left without a file says the same, and it rises up to here.
        if (event.target !== event.currentTarget) return
        event.preventDefault()
        close?.()
      }}
      onClose={({ currentTarget: closed }) => {
        // Browsers let a page prevent this once: the next time it is closed, whatever it says.
        if (!closed.isConnected || closed.open) return
        if (close) close()
        else closed.showModal()
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  )
}

const linesIn = (command: string[] | (() => string[])): string[] => {
  if (typeof command !== 'function') return command
  try {
    return command()
  } catch (error) {
    return [`# ${asFault(error).message}`]
  }
}

/**
 * Asks before something is done, shows the command that does the same, does it, and says why it failed if it does.
 * @param work what is done; it closes when that is done
 */
export const Confirm = ({
  title,
  verb,
  danger = false,
  command,
  work,
  breaksOff = false,
  onClose,
  children,
}: {
  title: string
  /** On the button: what it does. */
  verb: string
  danger?: boolean
  /** Lines of it; a function that makes them of what was typed may throw a fault, which is said in their place. */
  command: string[] | (() => string[])
  work: () => Promise<unknown>
  /** To close it while it works breaks the work off; else it stays until that is done. */
  breaksOff?: boolean
  onClose: () => void
  children?: ComponentChildren
}) => {
  const { busy, fault, run } = useDoing()
  const isLeft = useRef(false)
  useEffect(
    () => () => {
      isLeft.current = true
    },
    [],
  )
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    // Another window may be open by then.
    if ((await run(work)) && !isLeft.current) onClose()
  }
  const stays = busy && !breaksOff
  return (
    <Dialog title={title} onClose={onClose} busy={stays}>
      <form class="stack" onSubmit={submit}>
        {children}
        {fault && <FaultNote fault={fault} />}
        <Command lines={linesIn(command)} />
        <div class="row end">
          <button type="button" onClick={onClose} disabled={stays}>
            Cancel
          </button>
          <button type="submit" class={danger ? 'primary danger' : 'primary'} disabled={busy}>
            {busy ? 'Working…' : verb}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
