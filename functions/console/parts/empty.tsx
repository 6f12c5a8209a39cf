import type { ComponentChildren } from 'preact'
import { Command } from './command.tsx'

/** Where nothing is yet: what it would be good for, and how to begin, here and by the command line. */
export const Empty = ({
  title,
  children,
  action,
  command,
}: {
  title: string
  children: ComponentChildren
  action?: ComponentChildren
  command?: string[]
}) => (
  <div class="empty">
    <h2>{title}</h2>
    <div class="measure">{children}</div>
    {action && <div class="row">{action}</div>}
    {command && <Command lines={command} />}
  </div>
)
