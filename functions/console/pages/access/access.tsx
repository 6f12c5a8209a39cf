import type { ComponentType } from 'preact'
import type { PageProps } from '../../page.ts'
import { Heading } from '../../parts/heading.tsx'
import { Sections } from '../../parts/sections.tsx'
import { linkTo } from '../../router.ts'
import { Credentials } from './credentials.tsx'
import { KeyPairs } from './key-pairs.tsx'

const PARTS: [name: string, title: string, Part: ComponentType][] = [
  ['', 'Key pairs', KeyPairs],
  ['credentials', 'Application credentials', Credentials],
]

/** By what one comes into servers, and programs into the API. */
const Access = ({ query }: PageProps) => {
  const current = query.get('part') ?? ''
  const [, , Part] = PARTS.find(([name]) => name === current) ?? PARTS[0]!
  return (
    <>
      <Heading title="Access" />
      <Sections
        label="Parts of the access"
        parts={PARTS}
        current={current}
        at={(part) => linkTo('/access', {}, { part })}
      />
      <Part />
    </>
  )
}

export default Access
