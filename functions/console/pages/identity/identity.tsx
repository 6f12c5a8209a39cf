import type { ComponentType } from 'preact'
import type { PageProps } from '../../page.ts'
import { Heading } from '../../parts/heading.tsx'
import { Sections } from '../../parts/sections.tsx'
import { linkTo } from '../../router.ts'
import { Defaults } from './defaults.tsx'
import { Projects } from './projects.tsx'
import { Roles } from './roles.tsx'
import { Users } from './users.tsx'

const PARTS: [name: string, title: string, Part: ComponentType][] = [
  ['', 'Projects', Projects],
  ['users', 'Users', Users],
  ['roles', 'Roles', Roles],
  ['defaults', 'Defaults', Defaults],
]

/** Who may what, and where. */
const Identity = ({ query }: PageProps) => {
  const current = query.get('part') ?? ''
  const [, , Part] = PARTS.find(([name]) => name === current) ?? PARTS[0]!
  return (
    <>
      <Heading title="Identity" />
      <Sections
        label="Parts of the identity"
        parts={PARTS}
        current={current}
        at={(part) => linkTo('/identity', {}, { part })}
      />
      <Part />
    </>
  )
}

export default Identity
