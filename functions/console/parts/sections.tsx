/** The parts of a page, each behind an address of its own; the first is `''`. */
export const Sections = <Name extends string>({
  label,
  parts,
  current,
  at,
}: {
  label: string
  parts: readonly (readonly [name: Name, title: string, ...rest: unknown[]])[]
  current: string
  /** The address of a part: one of `linkTo`. */
  at: (name: Name) => string
}) => (
  <nav class="parts" aria-label={label}>
    {parts.map(([name, title]) => (
      <a key={name} href={at(name)} aria-current={name === current ? 'page' : undefined}>
        {title}
      </a>
    ))}
  </nav>
)
