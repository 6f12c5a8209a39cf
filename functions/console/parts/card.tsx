import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

/** A part of a page with its title, and what can be done there. */
export const Card = ({
  title,
  action,
  children,
  wide = false,
}: {
  title: string
  action?: ComponentChildren
  children: ComponentChildren
  wide?: boolean
}) => {
  const id = useId()
  return (
    <section class={wide ? 'card wide' : 'card'} aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{title}</h2>
        {action}
      </div>
      {children}
    </section>
  )
}
