import type { ComponentChildren } from 'preact'

/** What few need, behind a line that opens it. */
export const Disclosure = ({
  label,
  open = false,
  children,
}: {
  label: ComponentChildren
  open?: boolean
  children: ComponentChildren
}) => (
  <details class="disclosure" open={open}>
    <summary>{label}</summary>
    <div class="stack">{children}</div>
  </details>
)
