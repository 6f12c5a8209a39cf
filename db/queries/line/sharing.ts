import { type Placeholder, type SQL, sql } from 'drizzle-orm'
import { images } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'

/**
 * True (as SQL) of images that are shared with the scope's project, whatever it said of that: to be listed is to have
 * accepted, to be used is to be shared. @param status only where it said that
 */
export const sharedWith = (scope: Scope<string | Placeholder>, status?: string | Placeholder): SQL =>
  'every' in scope
    ? sql`0`
    : sql`(+${images.visibility} = 'shared' and ${images.id} in (select m.image_id from image_members m
        where m.member_id = ${scope.projectId} ${status === undefined ? sql`` : sql`and m.status = ${status}`}))`
