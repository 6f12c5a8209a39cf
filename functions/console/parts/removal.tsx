import type { ComponentChildren } from 'preact'
import { ask, type ServiceName } from '../api/ask.ts'
import { Confirm } from './dialog.tsx'
import { notify } from './notice.tsx'

/** Asks before something goes, and has its service take it away. */
export const Removal = ({
  service,
  path,
  name,
  verb = 'Delete',
  command,
  onClose,
  onDone,
  children,
}: {
  service: ServiceName
  path: string
  name: string
  verb?: string
  /** The line that does the same. */
  command: string
  onClose: () => void
  onDone: () => void
  children?: ComponentChildren
}) => (
  <Confirm
    title={`${verb} ${name}`}
    verb={verb}
    danger
    command={[command]}
    work={async () => {
      await ask(service, path, { method: 'DELETE' })
      notify(`${name} is gone, or on its way.`)
      onDone()
    }}
    onClose={onClose}
  >
    {children}
  </Confirm>
)
