import type { ComponentChildren } from 'preact'

/** Names and what stands for them; what is undefined is left out. */
export const Facts = ({ facts }: { facts: [name: string, value: ComponentChildren | undefined][] }) => (
  <dl class="facts">
    {facts
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? <span class="quiet">–</span>}</dd>
        </div>
      ))}
  </dl>
)
