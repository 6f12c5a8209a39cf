import { type SQL, sql } from 'drizzle-orm'

/** What was admitted and is still to be made on its cloud: work is due for it. Found among what is due, which is little. */
const unmade = (kind: 'server' | 'volume'): SQL =>
  sql`+b.kind = ${kind} and b.want = 'present' and b.phase in ('intent', 'calling') and b.due_at > 0`

/** True (as SQL) while a server that was admitted with a keypair is to be made: a rebuild keeps the key that is there. */
export const keypairAwaited = (id: SQL | string): SQL => sql`exists (select 1 from bindings b
  cross join servers s on s.id = b.resource_id where ${unmade('server')} and s.keypair ->> 'id' = ${id})`

/** True (as SQL) while something that was admitted with an image is to be made of it. */
export const imageAwaited = (id: SQL | string): SQL => sql`(exists (select 1 from bindings b
    cross join servers s on s.id = b.resource_id where ${unmade('server')} and ${id} in (s.image_id, s.places ->> 'image'))
  or exists (select 1 from bindings b cross join volumes v on v.id = b.resource_id where ${unmade('volume')} and v.image_id = ${id})
  or exists (select 1 from server_actions a
    where a.action = 'rebuild' and a.state in ('pending', 'calling') and a.args ->> 'image_id' = ${id})
  or exists (select 1 from server_actions a
    where a.action = 'rescue' and a.state in ('pending', 'calling') and a.args ->> 'image_id' = ${id}))`
